#include "payload.h"

#include <stdlib.h>
#include <string.h>

#include "guard.h"

typedef void (*release_fn)(void *, const uint8_t *, uint64_t);
typedef void (*drop_fn)(uint8_t *, size_t, size_t);

/* 0, or why this view can not be a result. */
static int check(const uint8_t *data, uint64_t len) {
    if (len > 0 && data == NULL) {
        return NR_E_MALFORMED_RESULT;
    }
    return len > NR_RESULT_MAX ? NR_E_TOO_LARGE : 0;
}

nr__payload_t nr__payload_borrowed(const uint8_t *data, uint64_t len) {
    nr__payload_t payload = {{data, len, 0, NULL}, NR__SMALL};
    int error = check(data, len);

    return error != 0 ? nr__payload_failed(error) : payload;
}

/* A lent payload, or what is wrong with it. */
static nr__payload_t lent(nr__image_t *image, nr__payload_t payload) {
    int error = check(payload.kept.data, payload.kept.len);

    atomic_fetch_add_explicit(&image->held, 1, memory_order_relaxed);
    if (error != 0) {
        nr__payload_drop(image, payload.kind, &payload.kept);
        return nr__payload_failed(error);
    }
    return payload;
}

nr__payload_t nr__payload_owned(nr__image_t *image, NrOwnedBytes bytes) {
    nr__payload_t payload = {
        {bytes.ptr, bytes.len, (uint64_t)(uintptr_t)bytes.owner_ctx, (void (*)(void))bytes.release},
        NR__OWNED};

    /* Without a function nobody would know when the memory goes (with the image, at the latest). */
    return bytes.release == NULL ? nr__payload_borrowed(bytes.ptr, bytes.len)
                                 : lent(image, payload);
}

nr__payload_t nr__payload_vector(nr__image_t *image, NrVecU8 vec) {
    nr__payload_t payload = {{vec.ptr, vec.len, vec.cap, (void (*)(void))vec.drop_fn}, NR__VECTOR};

    return vec.owned == 0 || vec.drop_fn == NULL ? nr__payload_borrowed(vec.ptr, vec.len)
                                                 : lent(image, payload);
}

/* The payload's bytes in memory of the host. */
static nr__payload_t copied(const nr__kept_t *kept) {
    nr__payload_t copy = {{NULL, kept->len, 0, NULL}, NR__HEAP};
    uint8_t *bytes = malloc(kept->len > 0 ? kept->len : 1);

    if (bytes == NULL) {
        return nr__payload_failed(NR_E_NO_MEMORY);
    }
    if (kept->len > 0) {
        memcpy(bytes, kept->data, kept->len);
    }
    copy.kept.data = bytes;
    copy.kept.extra = (uint64_t)(uintptr_t)bytes;
    return copy;
}

void nr__payload_keep(nr__payload_t *payload) {
    if (payload->kind == NR__SMALL && payload->kept.len > NR__PAYLOAD_INLINE) {
        *payload = copied(&payload->kept);
    }
}

void nr__payload_copy(nr__image_t *image, nr__payload_t *payload) {
    nr__payload_t copy = copied(&payload->kept);

    nr__payload_drop(image, payload->kind, &payload->kept);
    *payload = copy;
}

/* Calls the plugin's function, then says that it may be unmapped. */
static void give_back(nr__image_t *image, nr__payload_kind_t kind, const nr__kept_t *kept) {
    NR__GUARD(image, kind == NR__OWNED ? "a payload's release" : "a payload's drop_fn");

    if (kind == NR__OWNED) {
        ((release_fn)kept->free_fn)((void *)(uintptr_t)kept->extra, kept->data, kept->len);
    } else {
        ((drop_fn)kept->free_fn)((uint8_t *)(uintptr_t)kept->data, kept->len, kept->extra);
    }
    NR__GUARD_END();
    /* Releases what the function did to whoever looks at `held` before unmapping. */
    atomic_fetch_sub_explicit(&image->held, 1, memory_order_release);
}

void nr__payload_drop(nr__image_t *image, nr__payload_kind_t kind, const nr__kept_t *kept) {
    if (kind == NR__HEAP) {
        free((void *)(uintptr_t)kept->extra);
    } else if (kind == NR__OWNED || kind == NR__VECTOR) {
        give_back(image, kind, kept);
    }
}

/* What lies in the `store` of a result whose payload was not copied there. */
typedef struct parts {
    nr__kept_t
        kept; /* as it was lent: an empty one is freed where it was, not where `data` points */
    nr__payload_kind_t kind;
} parts_t;

_Static_assert(sizeof(parts_t) <= sizeof((nr_result_t){0}.store), "the store holds the parts");

/* nr_result_t.release */
static void release_result(nr_result_t *result) {
    parts_t parts;

    memcpy(&parts, result->store, sizeof parts);
    nr__payload_drop((nr__image_t *)(uintptr_t)result->owner[0], parts.kind, &parts.kept);
}

/* nr_result_t.release of what the host itself has allocated. */
static void release_heap(nr_result_t *result) {
    free((void *)(uintptr_t)result->owner[0]);
}

void nr__payload_heap_into(nr_result_t *result, const nr__kept_t *kept) {
    result->data = kept->data;
    result->len = kept->len;
    result->owner[0] = kept->extra;
    result->release = release_heap;
}

void nr__payload_into(nr_result_t *result, nr__image_t *image, nr__payload_kind_t kind,
                      const nr__kept_t *kept) {
    parts_t parts = {*kept, kind};

    memcpy(result->store, &parts, sizeof parts);
    result->data = kept->len > 0 ? kept->data : result->store;
    result->len = kept->len;
    result->owner[0] = (uint64_t)(uintptr_t)image;
    result->release = release_result;
}
