"""The words that describe an inner loop to the driver; they are the `data` pointer of NumPy's loop."""

FUNCTION = 0  #: address of `loop(addresses, n)`
INPUTS = 1  #: number of inputs; there is one output
ITEM_SIZE = 2  #: bytes of an element in NumPy's memory
LOOP_ITEM_SIZE = 3  #: bytes of an element as the loop sees it: 4 where float16 is computed in float32
FEWEST = 4  #: elements of calls that may be shared out, as the last call that was timed says
STREAM = 5  #: outputs of at least this many bytes go past the caches
PART = 6  #: address of the driver's `part`, 0 until it is wanted
POOL = 7  #: address of the words of the pool; 0 for a loop that keeps to the caller's thread, as Python does
LOAD_PART = 8  #: address of a function of the four words of the driver that loads `part` and calls the driver again
UNTIMED = 9  #: elements of calls since one was timed
MODES_ADDRESS = 10  #: of the word with the floating-point modes in which to compute
WORDS = 11
