/* What a plugin's file tells without being started, as a table. */
#include "inspect.h"

#include "bridge.h"
#include "failure.h"
#include "fields.h"

static void set_list(lua_State *L, const char *field, char *const *texts, size_t len) {
    lua_createtable(L, (int)len, 0);
    for (size_t i = 0; i < len; i++) {
        lua_pushstring(L, texts[i]);
        lua_rawseti(L, -2, (int)i + 1);
    }
    lua_setfield(L, -2, field);
}

/* Makes the table of the inspection that is given as light userdata. */
static int push_inspection(lua_State *L) {
    const nr_inspection_t *found = lua_touserdata(L, 1);
    lua_createtable(L, 0, 13);
    nr__set_text(L, "path", found->path);
    nr__set_text(L, "name", found->name);
    nr__set_text(L, "version", found->version);
    nr__set_text(L, "pinned", found->pinned);
    nr__set_number(L, "abi", found->abi);
    nr__set_number(L, "struct_size", found->struct_size);
    nr__set_flag(L, "has_v1", found->has_v1);
    nr__set_flag(L, "has_v2", found->has_v2);
    nr__set_flag(L, "has_shutdown", found->has_shutdown);
    nr__set_flag(L, "has_stream_input", found->has_stream_input);
    nr__set_flag(L, "has_resolve", found->has_resolve);
    set_list(L, "symbols", found->symbols, found->symbols_len);
    set_list(L, "extensions", found->extensions, found->extensions_len);
    return 1;
}

/* core.inspect(path): a table with the fields of nr_inspection_t; or nil, Error. The table is made
 * in a protected call, because running out of memory must not keep the inspection. */
static int core_inspect(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    nr_inspection_t *found;
    nr_error_t err;
    if (nr_inspect(path, &found, &err) != 0)
        return nr__failure_return(L, nr__bridge_self(L), &err, NULL);
    lua_pushcfunction(L, push_inspection);
    lua_pushlightuserdata(L, found);
    int status = lua_pcall(L, 1, 1, 0);
    nr_inspection_free(found);
    return status == 0 ? 1 : lua_error(L);
}

void nr__inspect_open(lua_State *L, nr__bridge_t *b, int bridge) {
    static const luaL_Reg functions[] = {{"inspect", core_inspect}, {NULL, NULL}};
    (void)b;
    nr__bridge_register(L, bridge, functions);
}
