"""`fulcra cluster table.csv`: a table read, its columns chosen, clustered, explained and written."""
