"""What runs: the ufuncs, the neuron, the store of compiled code, threads."""
