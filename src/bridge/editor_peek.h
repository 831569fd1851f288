/*
 * Interrupts that come through a socket: for a console's lines that do not come back to the loop.
 */
#ifndef NYLON_RING_EDITOR_PEEK_H
#define NYLON_RING_EDITOR_PEEK_H

#include <lua.h>

/* Adds watch_sockets, watch_socket, peek and leave_sockets to the table on top of the stack. */
void nr__peek_register(lua_State *L);

#endif
