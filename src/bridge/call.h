/* Calls that suspend their task. See call.c. */
#ifndef NYLON_RING_CALL_H
#define NYLON_RING_CALL_H

#include "fast.h"
#include "turn.h"

/* What Lua gives for the first values of a sid's state: a userdata's payload, or NULL with 0. */
typedef struct nr__state {
    const nr_state_value_t *values;
    size_t len;
} nr__state_t;

/* Reads the table of strings, or nil, at `index`; pushes what keeps the result alive. */
nr__state_t nr__call_state(lua_State *L, struct nr__bridge *b, int index);

/* The prepared request (cdata) and the text at these places; they raise on anything else. */
nr_request_t *nr__call_request(lua_State *L, int index);
NrBytes nr__call_bytes(lua_State *L, int index);

/* A number of milliseconds, frames, ... at `index`; nil is 0. */
uint64_t nr__call_number(lua_State *L, int index);

/* Milliseconds, by which the host counts deadlines. */
uint64_t nr__call_now(void);

/* Which call it is about, for messages. The texts belong to Lua values on somebody's stack. */
typedef struct nr__about {
    const char *plugin, *target;
    uint64_t timeout;
    const nr__reader_t *reader; /* NULL: no stream */
} nr__about_t;

/* What a task waits for. */
nr__about_t nr__call_about(const nr__task_t *task);

/* Pushes an answer: its status and body, or nil and an Error. */
int nr__call_push_result(lua_State *L, struct nr__bridge *b, const nr__about_t *about,
                         const nr_result_t *result);

/* NR_EVENT_RESULT. */
void nr__call_take(lua_State *L, struct nr__bridge *b, nr__delivery_t *delivery);

void nr__call_open(lua_State *L, struct nr__bridge *b, int bridge);

#endif
