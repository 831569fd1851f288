#include "state.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "host_tables.h"
#include "slab.h"
#include "trace.h"

static uint64_t size_of(const nr__value_t *value) {
    return sizeof *value + value->len + value->key_len;
}

static uint32_t hash(NrStr key) {
    uint32_t hash = 2166136261u;

    for (uint32_t i = 0; i < key.len; i++) {
        hash = (hash ^ key.ptr[i]) * 16777619u;
    }
    return hash;
}

/* NULL: no memory. Only sizes within NR_STATE_MAX come here. */
static nr__value_t *value_new(NrStr key, NrBytes from) {
    nr__value_t *value = malloc(sizeof *value + from.len + key.len);

    if (value == NULL) {
        return NULL;
    }
    value->next = NULL;
    value->len = from.len;
    value->key_len = key.len;
    value->hash = hash(key);
    value->shown = 0;
    if (from.len > 0) {
        memcpy(value->bytes, from.ptr, from.len);
    }
    if (key.len > 0) {
        memcpy(value->bytes + from.len, key.ptr, key.len);
    }
    return value;
}

void nr__values_free(nr__value_t *first) {
    while (first != NULL) {
        nr__value_t *next = first->next;
        free(first);
        first = next;
    }
}

/* Where the chain has the value of this key. */
static nr__value_t **find(nr__cold_t *cold, uint32_t key_hash, const uint8_t *key, uint32_t len) {
    nr__value_t **place = &cold->values;

    while (*place != NULL &&
           ((*place)->hash != key_hash || (*place)->key_len != len ||
            (len > 0 && memcmp((*place)->bytes + (*place)->len, key, len) != 0))) {
        place = &(*place)->next;
    }
    return place;
}

/* Puts a value in front; the one that it replaces comes back to be freed, `value` itself when there
 * is no room. Under the claim. */
static nr__value_t *put(nr__cold_t *cold, nr__value_t *value) {
    nr__value_t **place = find(cold, value->hash, value->bytes + value->len, value->key_len);
    nr__value_t *old = *place != NULL && !(*place)->shown ? *place : NULL;
    uint64_t size = cold->values_size - (old != NULL ? size_of(old) : 0) + size_of(value);

    if (size > NR_STATE_MAX) {
        return value;
    }
    if (old != NULL) {
        *place = old->next;
    }
    value->next = cold->values;
    cold->values = value;
    cold->values_size = (uint32_t)size;
    return old;
}

int nr__values_init(nr__cold_t *cold, const nr_state_value_t *values, size_t len, nr_error_t *err) {
    int error = 0;

    for (size_t i = 0; i < len && error == 0; i++) {
        NrStr key = values[i].key;
        NrBytes bytes = values[i].value;
        nr__value_t *value = NULL, *left;

        if ((key.ptr == NULL && key.len > 0) || (bytes.ptr == NULL && bytes.len > 0)) {
            error = nr__fail(err, NR_E_INVALID_REQUEST, "a state value has a length but no bytes");
        } else if (bytes.len > NR_STATE_MAX || key.len > NR_STATE_MAX) {
            error = nr__fail(err, NR_E_TOO_LARGE, "the state's first values exceed 1 MiB");
        } else if ((value = value_new(key, bytes)) == NULL) {
            error = nr__fail(err, NR_E_NO_MEMORY, "no memory for the state's first values");
        } else if ((left = put(cold, value)) != NULL) {
            error = left == value
                        ? nr__fail(err, NR_E_TOO_LARGE, "the state's first values exceed 1 MiB")
                        : 0;
            free(left);
        }
    }
    if (error != 0) {
        nr__values_free(cold->values);
        cold->values = NULL;
        cold->values_size = 0;
    }
    return error;
}

static NrBytes text(const char *why) {
    NrBytes bytes = {(const uint8_t *)why, strlen(why)};

    return bytes;
}

static NrBytes empty(void) {
    static const uint64_t nothing[2];
    NrBytes bytes = {(const uint8_t *)nothing, 0};

    return bytes;
}

/* Why this can not be set, or NULL. */
static const char *check_set(NrStr key, NrBytes value) {
    if ((key.ptr == NULL && key.len > 0) || (value.ptr == NULL && value.len > 0)) {
        return "malformed key or value: a length without bytes";
    }
    if (key.len > NR_STATE_MAX || value.len > NR_STATE_MAX) {
        return "the state of a call is limited to 1 MiB";
    }
    return NULL;
}

/* NULL, or why it was not set. */
static const char *set(nr__image_t *image, uint64_t sid, NrStr key, NrBytes value,
                       nr_outcome_t *outcome) {
    const char *why = check_set(key, value);
    nr__value_t *fresh, *left;
    nr__claim_t claim;

    *outcome = NR_OUTCOME_REFUSED;
    if (why != NULL) {
        return why;
    }
    fresh =
        value_new(key, value); /* before the claim: it allocates, and `value` may be a state's */
    if (fresh == NULL) {
        return "no memory for the value";
    }
    claim = nr__slot_claim(image, sid, NR__IN_HOLD);
    if (!claim.claimed) {
        free(fresh);
        *outcome = nr__verdict_outcome(claim.verdict);
        return "unknown or ended sid";
    }
    left = put(nr__slot_cold(claim.slot), fresh);
    nr__slot_unclaim(claim.slot, claim.word | (left != fresh ? NR__KEYED : 0));
    why = left == fresh ? "the state of a call is limited to 1 MiB" : NULL;
    *outcome = why != NULL ? NR_OUTCOME_REFUSED : NR_OUTCOME_DONE;
    free(left);
    return why;
}

static NrBytes set_state(void *host_ctx, uint64_t sid, NrStr key, NrBytes value) {
    nr__image_t *image = nr__image_of(host_ctx);
    nr_outcome_t outcome;
    const char *why;

    if (image == NULL) {
        return text("no host_ctx");
    }
    why = set(image, sid, key, value, &outcome);
    nr__trace_add(image, NR_TRACE_SET_STATE, sid, NR_OK, value.len, key, outcome);
    return why != NULL ? text(why) : empty();
}

static nr_outcome_t get(nr__image_t *image, uint64_t sid, NrStr key, NrBytes *out) {
    nr__claim_t claim;
    nr__value_t *value;

    if (key.ptr == NULL && key.len > 0) {
        return NR_OUTCOME_REFUSED;
    }
    claim = nr__slot_claim(image, sid, NR__IN_HOLD);
    if (!claim.claimed) {
        return nr__verdict_outcome(claim.verdict);
    }
    value = *find(nr__slot_cold(claim.slot), hash(key), key.ptr, key.len);
    if (value != NULL && value->len > 0) {
        value->shown = 1;
        out->ptr = value->bytes;
        out->len = value->len;
        claim.word |= NR__SHOWN;
    }
    nr__slot_unclaim(claim.slot, claim.word);
    return NR_OUTCOME_DONE;
}

static NrBytes get_state(void *host_ctx, uint64_t sid, NrStr key) {
    nr__image_t *image = nr__image_of(host_ctx);
    NrBytes bytes = empty();

    if (image != NULL) {
        nr_outcome_t outcome = get(image, sid, key, &bytes);
        nr__trace_add(image, NR_TRACE_GET_STATE, sid, NR_OK, bytes.len, key, outcome);
    }
    return bytes;
}

int nr__values_hold(nr__image_t *image, uint64_t sid, const uint8_t *data) {
    nr__slot_t *slot = nr__slot_find(sid);
    nr__claim_t claim;
    int found = 0;

    if (slot == NULL || (nr__slot_word(slot) & NR__SHOWN) == 0) {
        return 0; /* who has a value's address knows of this flag */
    }
    claim = nr__slot_claim(image, sid, NR__IN_HOLD);
    if (!claim.claimed) {
        return 0;
    }
    for (nr__value_t *value = nr__slot_cold(slot)->values; value != NULL && !found;
         value = value->next) {
        found = data >= value->bytes && data < value->bytes + value->len;
    }
    nr__slot_unclaim(slot, claim.word);
    return found;
}

const NrHostExt nr__host_ext = {set_state, get_state};
