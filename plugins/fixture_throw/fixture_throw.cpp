// fixture_throw: lets C++ exceptions out of the plugin, which no host can survive.
//
//     /handle     throws from handle
//     /answered   answers, then throws from handle
//     /release    answers with owned memory whose release throws (nylon.result/1)
//     /cancel     never answers; the plugin's nylon.cancel/1 throws
//     /shutdown   answers; shutdown will throw
#include <stdexcept>

#include "../fixture.h"

static bool throw_in_shutdown;

static NrStatus from_handle(uint64_t, const NrRequest *, NrBytes) {
    throw std::runtime_error("thrown from handle");
}

static NrStatus answered(uint64_t sid, const NrRequest *, NrBytes payload) {
    nr_answer(&host, sid, NR_OK, payload);
    throw std::runtime_error("thrown from handle after the answer");
}

static void throwing_release(void *, const uint8_t *, uint64_t) {
    throw std::runtime_error("thrown from release");
}

static NrStatus from_release(uint64_t sid, const NrRequest *, NrBytes) {
    static const uint8_t text[] = {'x'};
    NrOwnedBytes owned = {text, sizeof(text), nullptr, throwing_release};
    return host.result->send_result_owned(host.ctx, sid, NR_OK, owned);
}

static NrStatus from_cancel(uint64_t, const NrRequest *, NrBytes) {
    return NR_OK;
}

static NrStatus from_shutdown(uint64_t sid, const NrRequest *, NrBytes payload) {
    throw_in_shutdown = true;
    nr_answer(&host, sid, NR_OK, payload);
    return NR_OK;
}

static void cancel(void *, uint64_t) {
    throw std::runtime_error("thrown from cancel");
}

static void shutdown(void *) {
    if (throw_in_shutdown) {
        throw std::runtime_error("thrown from shutdown");
    }
}

static const NrExtCancel cancel_table = {cancel};

FIXTURE_EXPORT_WITH("fixture_throw", fixture_init, shutdown, {"/handle", from_handle},
                    {"/answered", answered}, {"/release", from_release}, {"/cancel", from_cancel},
                    {"/shutdown", from_shutdown})
NR_PLUGIN_EXPORT_EXTENSIONS({NR_EXT_CANCEL, &cancel_table})
