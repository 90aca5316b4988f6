"""`fulcra demo`: real data clustered, timed and drawn in seconds."""
