"""What `fulcra bench`, `fulcra demo` and `benches/` share: data, contenders, interleaved timing, tables.

Nothing here is part of the library's public interface, and nothing in the library imports it.
"""
