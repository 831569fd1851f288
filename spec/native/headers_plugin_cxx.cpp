// plugin.h from C++17: every macro and helper that a plugin uses must be valid there too.
#include <nylon_ring/plugin.h>

static NrHost host;

static NrStatus init(void *, void *host_ctx, const NrHostVTable *vtable) {
    host = nr_host_v1(host_ctx, vtable);
    nr_logf(&host, 0, NR_LOG_DEBUG, "up, state %s", host.state ? "known" : "unknown");
    return NR_OK;
}

static NrStatus handle(void *, uint64_t sid, const NrRequest *request, NrBytes payload) {
    uint64_t times = 1;
    NrRequestCopy *copy = nr_request_copy(request, payload);
    if (copy == nullptr || !nr_query_uint(copy->request.query, "times", &times)) {
        nr_request_free(copy);
        return NR_INVALID;
    }
    nr_answer(&host, sid, times > 0 ? NR_OK : NR_ERR, copy->payload);
    nr_request_free(copy);
    return NR_OK;
}

static NrStatus init2(void *host_ctx, const NrHostVTable2 *vtable) {
    host = nr_host_v2(host_ctx, vtable);
    return NR_OK;
}

static NrStatus handle2(NrStr entry, uint64_t sid, NrBytes payload) {
    return nr_str_is(entry, "echo") ? nr_offer(&host, sid, NR_OK, payload) : NR_INVALID;
}

static void cancel(void *, uint64_t) {}

static const NrPluginVTable2 vtable2 = {init2,   handle2, nullptr, nullptr,
                                        nullptr, nullptr, nullptr};
static const NrExtCancel cancel_table = {cancel};

NR_PLUGIN_EXPORT_V1("cxx", "1.0.0", &host, init, handle, nullptr)
NR_PLUGIN_EXPORT_V2("cxx", "2.0.0", &vtable2)
NR_PLUGIN_EXPORT_EXTENSIONS({NR_EXT_CANCEL, &cancel_table})
