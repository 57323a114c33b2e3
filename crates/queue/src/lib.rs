//! Wake-ups for workers: the Queue trait and its in-memory version.
