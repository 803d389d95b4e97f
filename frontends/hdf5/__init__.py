"""HDF5 files, read and written with no trust in who made them."""
