/*
 * What C code writes to descriptors 1 and 2 while a line is edited: plugins print, and so do the
 * libraries under them.
 */
#ifndef NYLON_RING_EDITOR_CAPTURE_H
#define NYLON_RING_EDITOR_CAPTURE_H

#include <lua.h>

/* Adds open_capture, capture, captured and close_capture to the table on top of the stack. */
void nr__capture_register(lua_State *L);

/* Gives the descriptors back and writes there what was not shown; the process is about to end. Also
 * called in signal handlers: it only tries the lock, and leaves what is under it where that is
 * taken. [any thread] */
void nr__capture_restore(void);

#endif
