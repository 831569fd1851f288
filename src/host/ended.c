#include "ended.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "slot.h"

static void make_room(nr__ends_t *ends) {
    if (ends->first + ends->len < ends->cap) {
        return;
    }
    /* The fetched ones in front are given up as soon as they are the most. */
    if (ends->first > ends->len) {
        memmove(ends->items, ends->items + ends->first, ends->len * sizeof *ends->items);
        ends->first = 0;
    } else {
        ends->cap = ends->cap == 0 ? 64 : ends->cap * 2;
        ends->items = nr__must_realloc(ends->items, ends->cap * sizeof *ends->items);
    }
}

void nr__ends_push(nr__ends_t *ends, nr__cold_t *cold, const nr__ended_t *ended) {
    nr__ended_t *place;

    make_room(ends);
    place = &ends->items[ends->first + ends->len];
    *place = *ended;
    place->older = cold->ended;
    cold->ended = ends->number + (uint32_t)ends->len;
    ends->len++;
    ends->live++;
}

/* The place of the end of this number, below `before`; `before` where there is none. */
static size_t place_of(const nr__ends_t *ends, uint32_t number, size_t before) {
    uint32_t place = number - ends->number;

    return place < before ? place : before;
}

/* The queued end with this sid, or NULL. A slot that has none queued, or an end whose slot had none
 * before it, names any number, also of an earlier worker's: then that is another slot's end, and
 * none has the sid. Each step goes down, so that there is an end to them. */
static nr__ended_t *find(const nr__ends_t *ends, uint32_t number, uint64_t sid) {
    size_t before = ends->len;
    size_t place = place_of(ends, number, before);

    while (place < before) {
        nr__ended_t *ended = &ends->items[ends->first + place];

        if (ended->sid == sid) {
            return ended;
        }
        before = place;
        place = place_of(ends, ended->older, before);
    }
    return NULL;
}

int nr__ends_take_back(nr__ends_t *ends, const nr__cold_t *cold, uint64_t sid) {
    nr__ended_t *ended = find(ends, cold->ended, sid);

    if (ended == NULL || ended->error == 0) {
        return 0;
    }
    ended->error = 0;
    if (--ends->live == 0) {
        ends->number += (uint32_t)ends->len;
        ends->first = ends->len = 0;
    }
    return 1;
}

int nr__ends_next(nr__ends_t *ends, nr__ended_t *ended) {
    while (ends->len > 0) {
        *ended = ends->items[ends->first++];
        ends->number++;
        if (--ends->len == 0) {
            ends->first = 0;
        }
        if (ended->error != 0) {
            ends->live--;
            return 1;
        }
    }
    return 0;
}

void nr__ends_free(nr__ends_t *ends) {
    free(ends->items);
}
