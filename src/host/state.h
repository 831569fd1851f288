/*
 * State of a sid: values by key, set and read by the plugin on any thread while the call is open.
 *
 * Values are chained at the slot's cold half, newest first, under its claim. One that was handed
 * out is never changed or freed before the sid's state ends: setting its key again only hides it.
 */
#ifndef NR__STATE_H
#define NR__STATE_H

#include "slot.h"

typedef struct nr__value {
    struct nr__value *next;
    uint64_t len;
    uint32_t key_len, hash;
    int shown;                    /* its address was handed out */
    _Alignas(16) uint8_t bytes[]; /* the value, then the key */
} nr__value_t;

/* Gives an idle slot its first values. Copies. 0; TOO_LARGE, NO_MEMORY or INVALID_REQUEST, and
 * there are none. [loop] */
int nr__values_init(nr__cold_t *cold, const nr_state_value_t *values, size_t len, nr_error_t *err);

/* Frees a chain. [any thread] */
void nr__values_free(nr__value_t *first);

/* 1 when `data` lies in a value of the open sid that was handed out. [any thread] */
int nr__values_hold(nr__image_t *image, uint64_t sid, const uint8_t *data);

#endif
