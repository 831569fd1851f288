/*
 * Functions of the module nylon_ring.editor that need no editor: how wide characters are, waiting
 * for a terminal that is slow, locking a file, stopping.
 */
#ifndef NYLON_RING_EDITOR_SYSTEM_H
#define NYLON_RING_EDITOR_SYSTEM_H

#include <lua.h>

/* Adds width, await_writable, lock, stop and restorer to the table on top of the stack. Characters
 * have widths from then on, whatever the locale. [loop] */
void nr__system_register(lua_State *L);

#endif
