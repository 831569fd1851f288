#include "ended.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "slot.h"

/* The queued end of this number, or NULL. */
static nr__ended_t *find(const nr__ends_t *ends, uint32_t number) {
    uint32_t place = number - ends->number;

    return place < ends->len ? &ends->items[ends->first + place] : NULL;
}

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

/* A number that is not queued any more may come to mean another slot's end; but then no end of this
 * one is queued, and none has the sid. Numbers only fall on the way. */
int nr__ends_take_back(nr__ends_t *ends, const nr__cold_t *cold, uint64_t sid) {
    nr__ended_t *ended = find(ends, cold->ended);

    while (ended != NULL && ended->sid != sid) {
        ended = find(ends, ended->older);
    }
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
