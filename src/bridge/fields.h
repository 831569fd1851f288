/* Setting fields of the table on top of the stack. */
#ifndef NYLON_RING_FIELDS_H
#define NYLON_RING_FIELDS_H

#include <lua.h>
#include <stdint.h>

/* Sets a text; NULL leaves the field out. */
static inline void nr__set_text(lua_State *L, const char *field, const char *text) {
    if (!text)
        return;
    lua_pushstring(L, text);
    lua_setfield(L, -2, field);
}

static inline void nr__set_number(lua_State *L, const char *field, uint64_t number) {
    lua_pushnumber(L, (lua_Number)number);
    lua_setfield(L, -2, field);
}

static inline void nr__set_flag(lua_State *L, const char *field, int flag) {
    lua_pushboolean(L, flag);
    lua_setfield(L, -2, field);
}

#endif
