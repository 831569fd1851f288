/*
 * The Lua module nylon_ring.editor: one edited line, a key at a time, by libedit.
 *
 * Lua has the terminal read when the loop says that it is readable; `step` uses one whole key of it
 * and says what that was. libedit edits the line, and keeps its kill buffer. Everything that looks
 * beyond the line (history, completion, search, undo, pasted text, the end) comes back as an event,
 * so that libedit never calls Lua and Lua never unwinds through libedit. What is on the screen is
 * drawn by Lua as well: libedit draws into /dev/null.
 *
 *   uv_poll ──▶ read ──▶ keys ──▶ step ──▶ el_wgets ──▶ "key", "accept", "complete", ...
 *
 * All on the thread of the Lua state.
 */
#define _GNU_SOURCE

#include "editor.h"
#include "editor_bindings.h"
#include "editor_capture.h"
#include "editor_display.h"
#include "editor_interrupt.h"
#include "editor_peek.h"
#include "editor_system.h"
#include "editor_terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define EDITOR_TYPE "nylon_ring.editor"
#define PASTE_END "\033[201~"

/* Of a longer paste nothing is taken. */
enum { PASTE_MAX = 1024 * 1024 };

static int next_character(EditLine *el, wchar_t *out) {
    editor_t *ed = nr__editor_of(el);
    if (ed->key_used == ed->key_len)
        return 0;
    *out = ed->key[ed->key_used++];
    return 1;
}

static const wchar_t *no_prompt(EditLine *el) {
    (void)el;
    return L"";
}

/* ---- Life ------------------------------------------------------------------------------- */

static editor_t *check_editor(lua_State *L) {
    editor_t *ed = luaL_checkudata(L, 1, EDITOR_TYPE);
    if (ed->el == NULL)
        luaL_error(L, "the editor is closed");
    return ed;
}

static void set_raw(editor_t *ed, int on) {
    if (ed->raw == on)
        return;
    ed->raw = on;
    el_set(ed->el, EL_UNBUFFERED, on);
    nr__terminal_changed(on);
    if (ed->shared) {
        int flags = fcntl(ed->fd, F_GETFL);
        fcntl(ed->fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
    }
}

static int editor_close(lua_State *L) {
    editor_t *ed = luaL_checkudata(L, 1, EDITOR_TYPE);
    if (ed->el != NULL) {
        set_raw(ed, 0);
        el_end(ed->el);
        ed->el = NULL;
    }
    if (ed->in != NULL)
        fclose(ed->in);
    if (ed->screen != NULL)
        fclose(ed->screen);
    if (ed->fd >= 0)
        close(ed->fd);
    ed->in = ed->screen = NULL;
    ed->fd = -1;
    nr__keys_free(&ed->keys);
    return 0;
}

/* The terminal is opened anew where we may: the loop makes it non-blocking, which whoever shares
 * `fd` must not notice. Another user's we have from our parent only. */
static int open_terminal(editor_t *ed, int fd) {
    const char *name = ttyname(fd);
    ed->fd = name != NULL ? open(name, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
    ed->shared = ed->fd < 0;
    if (ed->shared)
        ed->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return ed->fd;
}

/* libedit takes descriptors for the terminal's state and streams for what it reads and draws: the
 * first are the terminal, the second are of no use to us. 0 or an errno. */
static int open_editor(editor_t *ed, int fd) {
    if (open_terminal(ed, fd) < 0)
        return errno;
    ed->in = fopen("/dev/null", "re");
    ed->screen = fopen("/dev/null", "we");
    if (ed->in == NULL || ed->screen == NULL)
        return errno;
    ed->el = el_init_fd("nylon-ring", ed->in, ed->screen, ed->screen, ed->fd, ed->fd, ed->fd);
    if (ed->el == NULL)
        return ENOMEM;
    el_set(ed->el, EL_CLIENTDATA, ed);
    el_set(ed->el, EL_TERMINAL, "dumb");
    el_set(ed->el, EL_SIGNAL, 0);
    el_wset(ed->el, EL_PROMPT, no_prompt);
    el_wset(ed->el, EL_GETCFN, next_character);
    nr__editor_bind(ed->el);
    ed->rows = nr__display_init(ed->el);
    return 0;
}

/* editor.new(fd) → editor | nil, why */
static int editor_new(lua_State *L) {
    int fd = (int)luaL_checkinteger(L, 1);
    if (nr__terminal_keep(fd) != 0) {
        lua_pushnil(L);
        lua_pushfstring(L, "descriptor %d is no terminal", fd);
        return 2;
    }
    editor_t *ed = lua_newuserdata(L, sizeof *ed);
    memset(ed, 0, sizeof *ed);
    ed->fd = -1;
    luaL_getmetatable(L, EDITOR_TYPE);
    lua_setmetatable(L, -2);
    int status = open_editor(ed, fd);
    if (status != 0) {
        lua_pushnil(L);
        lua_pushfstring(L, "the line editor does not start: %s", strerror(status));
        return 2;
    }
    return 1;
}

/* ed:raw(on): takes the terminal, or gives it back as it was. */
static int editor_raw(lua_State *L) {
    editor_t *ed = check_editor(L);
    set_raw(ed, lua_toboolean(L, 2));
    return 0;
}

/* ed:fd() → the terminal's descriptor, to wait for input and to write to; ours until `close`. */
static int editor_fd(lua_State *L) {
    lua_pushinteger(L, check_editor(L)->fd);
    return 1;
}

/* ---- Input ------------------------------------------------------------------------------ */

/* ed:read() → how many bytes were read; 0 at the end; nil when there are none now. One read(2),
 * which does not block when the descriptor is readable. */
static int editor_read(lua_State *L) {
    editor_t *ed = check_editor(L);
    char bytes[4096];
    ssize_t len = read(ed->fd, bytes, sizeof bytes);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (len > 0 && nr__keys_add(&ed->keys, bytes, (size_t)len) != 0)
        return luaL_error(L, "not enough memory for what was typed");
    lua_pushinteger(L, len > 0 ? (lua_Integer)len : 0);
    return 1;
}

static const char *use_key(editor_t *ed) {
    int count = 0;
    ed->event = "key";
    ed->key_used = 0;
    if (ed->quoting) {
        wchar_t text[] = {ed->key[0], 0};
        ed->quoting = 0;
        el_winsertstr(ed->el, text);
    } else if (nr__editor_knows(ed->key, ed->key_len)) {
        el_wgets(ed->el, &count);
    }
    ed->key_len = 0; /* what an unknown sequence leaves is no text */
    return ed->event;
}

/* Pushes the event of a paste that has ended; how many values. */
static int step_paste(lua_State *L, editor_t *ed) {
    size_t len;
    const char *text = nr__keys_take_until(&ed->keys, PASTE_END, &len);
    int is_overlong = ed->overlong || (text != NULL ? len : ed->keys.len) > PASTE_MAX;
    if (text == NULL) {
        ed->overlong = is_overlong;
        if (is_overlong) /* the end may have begun */
            nr__keys_shorten(&ed->keys, sizeof PASTE_END - 2);
        return 0;
    }
    ed->pasting = ed->overlong = 0;
    lua_pushstring(L, is_overlong ? "overlong" : "paste");
    lua_pushlstring(L, text, is_overlong ? 0 : len);
    return 2;
}

/* ed:step() → nil (no whole key yet) | "key" (the line or the cursor may have changed) | "accept",
 * "complete", "search", "up", "down", "first", "last", "redraw", "undo", "eof", "overlong" |
 * "paste", text */
static int editor_step(lua_State *L) {
    editor_t *ed = check_editor(L);
    for (;;) {
        if (ed->pasting)
            return step_paste(L, ed);
        ed->key_len = nr__keys_take(&ed->keys, ed->key);
        if (ed->key_len == 0)
            return 0;
        if (nr__display_fit(ed->el, &ed->rows) != 0)
            return luaL_error(L, "not enough memory for the edited line");
        const char *event = use_key(ed);
        if (!ed->pasting) {
            lua_pushstring(L, event);
            return 1;
        }
    }
}

/* ed:key() → the next key as text, not used on the line; nil when there is none. For searching. */
static int editor_key(lua_State *L) {
    editor_t *ed = check_editor(L);
    wchar_t key[NR__KEY_MAX];
    char bytes[NR__KEY_MAX * 4];
    size_t count = nr__keys_take(&ed->keys, key), len = 0;
    if (count == 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        len += nr__utf8_encode(key[i], bytes + len);
    lua_pushlstring(L, bytes, len);
    return 1;
}

/* ed:take_escape() → whether Escape was typed and nothing after it; it is used then. */
static int editor_take_escape(lua_State *L) {
    lua_pushboolean(L, nr__keys_take_escape(&check_editor(L)->keys));
    return 1;
}

/* ed:reset(): what was typed and is not used yet is forgotten, also half a paste. */
static int editor_reset(lua_State *L) {
    editor_t *ed = check_editor(L);
    nr__keys_shorten(&ed->keys, 0);
    ed->pasting = ed->overlong = ed->quoting = 0;
    return 0;
}

/* ed:put_back(): the key that `key` took is used by the next `step`. */
static int editor_put_back(lua_State *L) {
    nr__keys_put_back(&check_editor(L)->keys);
    return 0;
}

/* ---- The line --------------------------------------------------------------------------- */

static void push_wide(lua_State *L, const wchar_t *from, const wchar_t *to) {
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    for (; from < to; from++) {
        char bytes[4];
        luaL_addlstring(&buffer, bytes, nr__utf8_encode(*from, bytes));
    }
    luaL_pushresult(&buffer);
}

/* Pushes a userdata that holds the text as wide characters. A zero byte is no text: it ends it. */
static wchar_t *to_wide(lua_State *L, int index) {
    size_t len, count = 0;
    const char *bytes = luaL_checklstring(L, index, &len);
    wchar_t *out = lua_newuserdata(L, (len + 1) * sizeof *out);
    for (size_t i = 0; i < len;) {
        size_t used = nr__utf8_decode(bytes + i, len - i, &out[count++]);
        i += used > 0 ? used : len - i;
    }
    out[count] = 0;
    return out;
}

/* ed:line() → the text before the cursor, the text after it */
static int editor_line(lua_State *L) {
    const LineInfoW *line = el_wline(check_editor(L)->el);
    push_wide(L, line->buffer, line->cursor);
    push_wide(L, line->cursor, line->lastchar);
    return 2;
}

static void clear_line(EditLine *el) {
    const LineInfoW *line = el_wline(el);
    el_cursor(el, (int)(line->lastchar - line->cursor));
    line = el_wline(el);
    el_wdeletestr(el, (int)(line->lastchar - line->buffer));
}

/* ed:set(before [, after]): replaces the line; the cursor stands between the two. */
static int editor_set(lua_State *L) {
    editor_t *ed = check_editor(L);
    lua_settop(L, 3);
    clear_line(ed->el);
    el_winsertstr(ed->el, to_wide(L, 2));
    if (!lua_isnil(L, 3)) {
        wchar_t *after = to_wide(L, 3);
        el_winsertstr(ed->el, after);
        el_cursor(ed->el, -(int)wcslen(after));
    }
    return 0;
}

/* ed:insert(text) at the cursor. */
static int editor_insert(lua_State *L) {
    editor_t *ed = check_editor(L);
    el_winsertstr(ed->el, to_wide(L, 2));
    return 0;
}

/* ed:erase(count): removes so many characters before the cursor. */
static int editor_erase(lua_State *L) {
    editor_t *ed = check_editor(L);
    el_wdeletestr(ed->el, (int)luaL_checkinteger(L, 2));
    return 0;
}

/* ed:size() → columns, rows of the terminal. */
static int editor_size(lua_State *L) {
    editor_t *ed = check_editor(L);
    struct winsize size = {0};
    if (ioctl(ed->fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
        size.ws_col = 80;
        size.ws_row = 24;
    }
    lua_pushinteger(L, size.ws_col);
    lua_pushinteger(L, size.ws_row);
    return 2;
}

/* ---- The module ------------------------------------------------------------------------ */

__attribute__((visibility("default"))) int luaopen_nylon_ring_editor(lua_State *L);

int luaopen_nylon_ring_editor(lua_State *L) {
    static const luaL_Reg methods[] = {
        {"raw", editor_raw},
        {"fd", editor_fd},
        {"read", editor_read},
        {"step", editor_step},
        {"key", editor_key},
        {"put_back", editor_put_back},
        {"reset", editor_reset},
        {"take_escape", editor_take_escape},
        {"line", editor_line},
        {"set", editor_set},
        {"insert", editor_insert},
        {"erase", editor_erase},
        {"size", editor_size},
        {"close", editor_close},
        {NULL, NULL},
    };
    luaL_newmetatable(L, EDITOR_TYPE);
    lua_pushcfunction(L, editor_close);
    lua_setfield(L, -2, "__gc");
    lua_newtable(L);
    luaL_register(L, NULL, methods);
    lua_setfield(L, -2, "__index");
    lua_newtable(L);
    lua_pushcfunction(L, editor_new);
    lua_setfield(L, -2, "new");
    nr__system_register(L);
    nr__capture_register(L);
    nr__interrupt_register(L);
    nr__peek_register(L);
    return 1;
}
