/*
 *   signal ──▶ handler ──▶ ask ──▶ hook ──▶ CALM instructions later: the function of who has asked
 *                                   └─ dropped, when the loop has turned before that
 *
 * A script may have a hook of its own (debug.sethook). It stands back while somebody has asked, and
 * is there again after that; one that is set meanwhile stays.
 */
#define _GNU_SOURCE

#include "editor_hook.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>

enum { CALM = 200000 };

/* In the registry: the thread that the hook is set with. */
#define ANCHOR "nylon_ring.editor.hook"

static struct {
    lua_State *L; /* NULL: nobody uses it */
    pthread_t thread;
    void (*run[NR__HOOK_USERS])(lua_State *L);
    volatile sig_atomic_t asked[NR__HOOK_USERS];
    struct {
        lua_Hook run;
        int mask, count;
    } former; /* the script's, while ours is set */
} hook;

static int is_asked(void) {
    for (int who = 0; who < NR__HOOK_USERS; who++) {
        if (hook.asked[who])
            return 1;
    }
    return 0;
}

static void on_count(lua_State *L, lua_Debug *where) {
    (void)where;
    for (int who = 0; who < NR__HOOK_USERS; who++) {
        if (hook.asked[who]) {
            nr__hook_drop((nr__hook_user_t)who);
            hook.run[who](L); /* may raise: others have to wait for the next time */
            return;
        }
    }
}

static void set(void) {
    if (lua_gethook(hook.L) == on_count)
        return;
    hook.former.run = lua_gethook(hook.L);
    hook.former.mask = lua_gethookmask(hook.L);
    hook.former.count = lua_gethookcount(hook.L);
    lua_sethook(hook.L, on_count, LUA_MASKCOUNT, CALM);
}

/* A signal in the middle of this asks for what is just taken away. */
void nr__hook_drop(nr__hook_user_t who) {
    hook.asked[who] = 0;
    if (is_asked() || lua_gethook(hook.L) != on_count)
        return;
    lua_sethook(hook.L, hook.former.run, hook.former.mask, hook.former.count);
    if (is_asked())
        set();
}

int nr__hook_ask(nr__hook_user_t who, int signum) {
    if (!pthread_equal(pthread_self(), hook.thread)) {
        pthread_kill(hook.thread, signum);
        return 0;
    }
    hook.asked[who] = 1;
    set();
    return 1;
}

int nr__hook_open(lua_State *L, nr__hook_user_t who, void (*run)(lua_State *L)) {
    lua_getfield(L, LUA_REGISTRYINDEX, ANCHOR);
    int is_elsewhere = hook.L != NULL && lua_isnil(L, -1);
    lua_pop(L, 1);
    if (is_elsewhere)
        return -1;
    if (hook.L == NULL) {
        lua_pushthread(L);
        lua_setfield(L, LUA_REGISTRYINDEX, ANCHOR);
        hook.thread = pthread_self();
        hook.L = L;
    }
    hook.run[who] = run;
    return 0;
}

void nr__hook_close(lua_State *L, nr__hook_user_t who) {
    nr__hook_drop(who);
    hook.run[who] = NULL;
    for (int other = 0; other < NR__HOOK_USERS; other++) {
        if (hook.run[other] != NULL)
            return;
    }
    hook.L = NULL;
    lua_pushnil(L);
    lua_setfield(L, LUA_REGISTRYINDEX, ANCHOR);
}
