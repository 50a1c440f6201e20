"""The words of the pool of threads, which are the process's own."""

THREADS = 0  #: threads that a call may use
BUSY = 1  #: 1 while a call has the pool
FAN_OUT = 2  #: address of `fan_out`, 0 until threads are first wanted
START = 3  #: address of the function that sets FAN_OUT
GET_NUM_THREADS = 4  #: address of Numba's function that tells how many threads the parallel loops of this thread use
SET_NUM_THREADS = 5  #: address of the one that sets it
FAN_OUT_TIME = 6  #: ns that sharing out costs
THREAD_TIME = 7  #: ns that each thread costs that takes part, as it was in the last calls
LEAST_THREAD_TIME = 8  #: ns that it costs at best
COUNTERS = 9  #: address of a line for each thread, for the one call that has the pool
WORDS = 10

MOST_THREADS = 256  #: that take part in a call
