/*
 * Ctrl-C while the REPL runs: a byte in a pipe that the loop watches, and a hook that stops Lua
 * code which does not come back to the loop by itself.
 */
#ifndef NYLON_RING_EDITOR_INTERRUPT_H
#define NYLON_RING_EDITOR_INTERRUPT_H

#include <lua.h>

/* Adds watch_interrupts, take_interrupts and leave_interrupts to the table on top of the stack. */
void nr__interrupt_register(lua_State *L);

#endif
