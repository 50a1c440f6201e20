"""fastact beside other libraries on the same work: `python -m asv_bench.peers`."""
