"""The words that describe an inner loop to the driver; they are the `data` pointer of NumPy's loop."""

FUNCTION = 0  #: address of `loop(addresses, n)`
INPUTS = 1  #: number of inputs; there is one output
ITEM_SIZE = 2  #: bytes of an element in NumPy's memory
LOOP_ITEM_SIZE = 3  #: bytes of an element as the loop sees it: 4 where float16 is computed in float32
GRAIN = 4  #: fewest elements worth a thread
STREAM = 5  #: outputs of at least this many bytes go past the caches
PART = 6  #: address of the driver's `part`
POOL = 7  #: address of the words of the pool
WORDS = 8
