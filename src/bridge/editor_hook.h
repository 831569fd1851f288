/*
 * Reaches Lua code that does not come back to the loop, from a signal's handler: by LuaJIT's count
 * hook, of which there is one for a whole Lua state. Compiled code does not look at hooks.
 */
#ifndef NYLON_RING_EDITOR_HOOK_H
#define NYLON_RING_EDITOR_HOOK_H

#include <lua.h>

typedef enum nr__hook_user {
    NR__HOOK_INTERRUPT, /* editor_interrupt.c */
    NR__HOOK_SOCKET,    /* editor_peek.c */
    NR__HOOK_USERS
} nr__hook_user_t;

/* `run` is called on this thread, in whatever Lua code runs there, a while after each time that
 * `who` has asked for it; it may raise. 0, or -1 where another Lua state of the process has the
 * hook. [loop] */
int nr__hook_open(lua_State *L, nr__hook_user_t who, void (*run)(lua_State *L));

/* Asks, in the handler of a signal. Not 0: done; 0: this is another thread, and the signal was sent
 * on to that of the Lua state. [any thread] */
int nr__hook_ask(nr__hook_user_t who, int signum);

/* What was asked for is not needed any more. [loop] */
void nr__hook_drop(nr__hook_user_t who);

/* Ends what `nr__hook_open` began; no handler may ask any more. [loop] */
void nr__hook_close(lua_State *L, nr__hook_user_t who);

#endif
