/* nylon_ring.Error objects, made in C. Their methods are in lua/nylon_ring/errors.lua. */
#ifndef NYLON_RING_FAILURE_H
#define NYLON_RING_FAILURE_H

#include <lua.h>
#include <nylon_ring/host.h>

struct nr__bridge;

typedef struct nr__failure {
    int code; /* an NR_E_* */
    const char *message;
    const char *plugin; /* NULL: not about one */
    uint64_t sid;       /* 0: not about a call */
    NrStatus status;    /* NR_OK: the plugin answered none */
} nr__failure_t;

/* Pushes an Error. */
void nr__failure_push(lua_State *L, struct nr__bridge *b, const nr__failure_t *failure);

/* Pushes nil and the Error of `err`: `return nr__failure_return(...)`. */
int nr__failure_return(lua_State *L, struct nr__bridge *b, const nr_error_t *err,
                       const char *plugin);

/* Pushes the Error that was made beforehand for the case that there is no memory to make one. Needs
 * one stack slot and no memory. */
void nr__failure_push_no_memory(lua_State *L, struct nr__bridge *b);

/* Pushes a sid as text. */
void nr__failure_push_sid(lua_State *L, uint64_t sid);

/* Adds `error_meta`, `codes` and `statuses` to the module table on top of the stack. */
void nr__failure_open(lua_State *L, struct nr__bridge *b);

#endif
