/* Misuse: messages that name cause and cure, at the place in the script that called. */
#include "refuse.h"

#include <stdarg.h>
#include <string.h>

#include "bridge.h"

/* Functions that call back into Lua from C, and what to do instead of suspending in there. */
static const struct builtin {
    const char *library, *name, *cure;
} builtins[] = {
    {"table", "sort", "fetch what the comparison needs before sorting"},
    {"string", "gsub", "collect the matches first (string.gmatch), then replace with a table"},
    {"table", "foreach", "use a for loop"},
    {"table", "foreachi", "use a for loop"},
    {"_G", "print", "print(tostring(value)) instead"},
    {"string", "format", "pass tostring(value) instead"},
    {"_G", "require", "require it before the task starts, or call nr.install()"},
    {"_G", "dofile", "call nr.install(), or use loadfile"},
    {"_G", "load", "read the chunk first, then load the string"},
};

static int is_ours(const nr__bridge_t *b, const lua_Debug *ar) {
    return *ar->what == 'C' || strcmp(ar->source, "=nylon_ring") == 0 ||
           (b->home[0] && strncmp(ar->source, b->home, strlen(b->home)) == 0);
}

static void push_where(lua_State *L, const nr__bridge_t *b) {
    lua_Debug ar;
    for (int level = 0; lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "Sl", &ar);
        if (ar.currentline > 0 && !is_ours(b, &ar)) {
            lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
            return;
        }
    }
    lua_pushliteral(L, "");
}

_Noreturn static void throw_top(lua_State *L) {
    lua_error(L);
    __builtin_unreachable();
}

_Noreturn void nr__raise(lua_State *L, const char *format, ...) {
    va_list values;
    luaL_where(L, 1);
    va_start(values, format);
    lua_pushvfstring(L, format, values);
    va_end(values);
    lua_concat(L, 2);
    throw_top(L);
}

_Noreturn void nr__refuse(lua_State *L, nr__bridge_t *b, const char *message) {
    luaL_checkstack(L, 4, NULL);
    push_where(L, b);
    lua_pushstring(L, message);
    lua_concat(L, 2);
    throw_top(L);
}

_Noreturn void nr__refuse_outside(lua_State *L, nr__bridge_t *b) {
    nr__refuse(L, b,
               "this call suspends and was made outside of a task; wrap it in nr.spawn(function() "
               "... end), or in nr.run(function() ... end) where no loop runs yet");
}

_Noreturn void nr__refuse_coroutine(lua_State *L, nr__bridge_t *b) {
    nr__refuse(L, b,
               "this call suspends and was made in a coroutine that is not a task; start it with "
               "nr.spawn, or call nr.install() so that coroutine.wrap and coroutine.resume hand "
               "the suspension on");
}

/* The function on top of the stack is package.loaded[library][name]. */
static int is_builtin(lua_State *L, const struct builtin *builtin) {
    int top = lua_gettop(L);
    int same = 0;
    lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
    lua_getfield(L, -1, builtin->library);
    if (lua_istable(L, -1)) {
        lua_pushstring(L, builtin->name);
        lua_rawget(L, -2);
        same = lua_rawequal(L, -1, top);
    }
    lua_settop(L, top);
    return same;
}

static const struct builtin *find_builtin(lua_State *L) {
    lua_Debug ar;
    for (int level = 1; lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "f", &ar);
        for (size_t i = 0; lua_iscfunction(L, -1) && i < sizeof builtins / sizeof *builtins; i++) {
            if (is_builtin(L, &builtins[i]))
                return &builtins[i];
        }
        lua_pop(L, 1);
    }
    return NULL;
}

_Noreturn void nr__refuse_builtin(lua_State *L, nr__bridge_t *b) {
    luaL_checkstack(L, 12, NULL);
    const struct builtin *found = find_builtin(L);
    push_where(L, b);
    if (!found)
        lua_pushliteral(L,
                        "this call suspends and was made inside a finalizer (__gc), a hook, or a "
                        "function in C that calls back; make it before or after, or in a task of "
                        "its own (nr.spawn)");
    else
        lua_pushfstring(L, "this call suspends, which is not possible inside %s%s%s: %s",
                        *found->library == '_' ? "" : found->library,
                        *found->library == '_' ? "" : ".", found->name, found->cure);
    lua_concat(L, 2);
    throw_top(L);
}
