/* nylon_ring.Error objects, made in C. Their methods are in lua/nylon_ring/errors.lua. */
#include "failure.h"

#include <inttypes.h>
#include <stdio.h>

#include "bridge.h"
#include "fields.h"

void nr__failure_push_sid(lua_State *L, uint64_t sid) {
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, sid);
    lua_pushstring(L, text);
}

void nr__failure_push(lua_State *L, nr__bridge_t *b, const nr__failure_t *failure) {
    luaL_checkstack(L, 4, NULL);
    lua_createtable(L, 0, 5);
    nr__set_text(L, "code", nr_error_code(failure->code));
    nr__set_text(L, "message", failure->message);
    nr__set_text(L, "plugin", failure->plugin);
    if (failure->sid != 0) {
        nr__failure_push_sid(L, failure->sid);
        lua_setfield(L, -2, "sid");
    }
    if (failure->status != NR_OK) {
        lua_pushinteger(L, (lua_Integer)failure->status);
        lua_setfield(L, -2, "status");
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, b->error_meta);
    lua_setmetatable(L, -2);
}

int nr__failure_return(lua_State *L, nr__bridge_t *b, const nr_error_t *err, const char *plugin) {
    nr__failure_t failure = {
        .code = err->code, .message = err->message, .plugin = plugin, .status = err->status};
    lua_pushnil(L);
    nr__failure_push(L, b, &failure);
    return 2;
}

void nr__failure_push_no_memory(lua_State *L, nr__bridge_t *b) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, b->no_memory);
}

static void push_codes(lua_State *L) {
    lua_newtable(L);
#define SET_CODE(name, number, code)                                                               \
    lua_pushliteral(L, code);                                                                      \
    lua_setfield(L, -2, #name);
    NR_ERRORS(SET_CODE)
#undef SET_CODE
}

static void push_statuses(lua_State *L) {
    static const struct {
        const char *name;
        NrStatus status;
    } statuses[] = {
        {"OK", NR_OK},
        {"ERR", NR_ERR},
        {"INVALID", NR_INVALID},
        {"UNSUPPORTED", NR_UNSUPPORTED},
        {"PANIC", NR_PANIC},
        {"STREAM_END", NR_STREAM_END},
        {"BACKPRESSURE", NR_BACKPRESSURE},
    };
    lua_newtable(L);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        lua_pushinteger(L, (lua_Integer)statuses[i].status);
        lua_setfield(L, -2, statuses[i].name);
    }
}

void nr__failure_open(lua_State *L, nr__bridge_t *b) {
    static const nr__failure_t no_memory = {.code = NR_E_NO_MEMORY,
                                            .message = "out of memory for the answer of a plugin"};
    lua_newtable(L);
    lua_pushvalue(L, -1);
    b->error_meta = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_setfield(L, -2, "error_meta");
    nr__failure_push(L, b, &no_memory);
    b->no_memory = luaL_ref(L, LUA_REGISTRYINDEX);
    push_codes(L);
    lua_setfield(L, -2, "codes");
    push_statuses(L);
    lua_setfield(L, -2, "statuses");
}
