/* Misuse: messages that name cause and cure, at the place in the script that called. */
#ifndef NYLON_RING_REFUSE_H
#define NYLON_RING_REFUSE_H

#include <lua.h>

struct nr__bridge;

/* As luaL_error, which does not say that it never returns. */
_Noreturn void nr__raise(lua_State *L, const char *format, ...);

/* Raises `message` with the position of the innermost function that is not ours. */
_Noreturn void nr__refuse(lua_State *L, struct nr__bridge *b, const char *message);

/* Raises: what was called suspends, and nothing runs that could be suspended. */
_Noreturn void nr__refuse_outside(lua_State *L, struct nr__bridge *b);

/* Raises: it was called in a coroutine of the script's own, which would get our yield. */
_Noreturn void nr__refuse_coroutine(lua_State *L, struct nr__bridge *b);

/* Raises: it was called from inside a function in C that can not be left; names that function. */
_Noreturn void nr__refuse_builtin(lua_State *L, struct nr__bridge *b);

#endif
