---@meta nylon_ring.core
-- What src/bridge defines in C, for editors; it is never loaded. Internal: scripts use `nylon_ring`. A
-- spec holds this file against the module.
-- luacheck: ignore 212

---@class nylon_ring.core
local core = {}

---@class nylon_ring.core.Handle: userdata a plugin
---@class nylon_ring.core.Reader: userdata a stream; collecting it closes the stream
---@class nylon_ring.core.Unload: userdata an unload or a reload under way
---@class nylon_ring.core.Prepared: ffi.cdata* `nr_request_t` of nylon_ring.fast

---@class nylon_ring.PluginInfo
---@field name string under which it is loaded
---@field path string of the original file
---@field version string the plugin's own
---@field own_name string the plugin's own
---@field pinned? string why its image can not be unmapped
---@field abi integer 1 or 2
---@field serial integer of the image; another one after a reload
---@field trace integer how many events are recorded of its ABI; 0: it is not traced
---@field has_cancel boolean it is told when a call is given up
---@field has_writable boolean it is told when a stream has room again
---@field takes_input boolean its streams take frames of input

---@type string
core.version = ""

-- ---- Tasks ----

---What a suspension yields; coroutines that relay hand it, and all that follows it, on.
---@type lightuserdata
core.marker = nil

---What comes first where a suspension shall raise what comes second.
---@type lightuserdata
core.raised = nil

---Makes a coroutine a task and runs it at once, until it suspends or ends.
---@param co thread that was not resumed before
---@param ... any for its function
function core.start(co, ...) end

---Suspends the running task and returns what it is resumed with.
---@async
---@return any ...
function core.suspend() end

---Raises where a suspension would: outside of a task, inside a builtin, in a cancelled task.
function core.check() end

---Resumes a suspended task: at once outside of tasks, else when the outermost resume returns.
---@param co thread
---@param ... any what its suspension returns
function core.resume(co, ...) end

---Resumes a suspended task so that its suspension raises.
---@param co thread
---@param err any
function core.resume_error(co, err) end

---Gives up what a task waits for in the bridge; it stays suspended, for the caller to resume it.
---@param co thread
---@return boolean given_up false: it does not wait in the bridge
function core.cancel_wait(co) end

---Every suspension of the task raises `err`, until it is set to nil.
---@param co thread
---@param err any
function core.set_cancel(co, err) end

---What a task waits for in the bridge, and since when in loop time; nothing where it does not.
---@param co thread
---@return string|nil what "plugin target"
---@return number|nil since
---@return string|nil sid of the call or stream
---@return integer|nil frames that were read of the stream
function core.waiting(co) end

---The coroutine of the running task.
---@return thread|nil
function core.running() end

---How many tasks were started and have not ended.
---@return integer
function core.alive() end

---Sets who hears that a task has ended: `fn(co, true, ...)`, or `fn(co, false, err, traceback)`.
---@param fn? fun(co: thread, ok: boolean, ...)
function core.on_exit(fn) end

---Sets who hears of errors in luv's callbacks.
---@param fn? fun(err: any, traceback: string)
function core.on_error(fn) end

---Whether coroutine.resume and coroutine.wrap hand suspensions on.
---@param on boolean
function core.relaying(on) end

---The source prefix of our own files, which misuse is not blamed on.
---@param prefix string
function core.home(prefix) end

-- ---- Errors and names ----

---The metatable of every nylon_ring.Error.
---@type table
core.error_meta = {}

---@type table<string, string> TIMEOUT = "timeout", ...
core.codes = {}

---@type table<string, integer> OK = 0, ...
core.statuses = {}

---@param status integer
---@return string
function core.status_name(status) end

---How many bytes are whole, well-formed characters of UTF-8.
---@param text string
---@param from? integer the first byte that is looked at; 1 by default
---@return integer
function core.utf8_prefix(text, from) end

-- ---- Plugins ----

---@param path string
---@param name? string
---@param abi? integer
---@param trace? integer events that are recorded, from `init` on
---@return nylon_ring.core.Handle|nil
---@return nylon_ring.Error?
function core.load(path, name, abi, trace) end

---@param handle nylon_ring.core.Handle
---@return nylon_ring.PluginInfo|nil info nil once it is unloaded
function core.info(handle) end

---@param handle nylon_ring.core.Handle
---@return nylon_ring.Stats|nil stats nil once it is unloaded
function core.stats(handle) end

---Records the last crossings of the plugin's ABI.
---@param handle nylon_ring.core.Handle
---@param capacity integer 0 ends it
---@return true|nil
---@return nylon_ring.Error?
function core.trace(handle, capacity) end

---What was recorded, oldest first.
---@param handle nylon_ring.core.Handle
---@param after integer only events after this number
---@return table[] events plain tables with the fields of nylon_ring.AbiEvent
---@return integer lost how many after that number were overwritten
function core.events(handle, after) end

---Starts an unload.
---@param handle nylon_ring.core.Handle
---@param grace number
---@return nylon_ring.core.Unload|nil
---@return nylon_ring.Error?
function core.unload(handle, grace) end

---Swaps the image and starts to unload the old one.
---@param handle nylon_ring.core.Handle
---@param path string|nil nil: the same
---@param grace number
---@return nylon_ring.core.Unload|nil
---@return nylon_ring.Error?
function core.reload(handle, path, grace) end

---The report, when it is there. The last two are for `core.waiting`.
---@async
---@param unload nylon_ring.core.Unload
---@param handle nylon_ring.core.Handle
---@param text string
---@return nylon_ring.UnloadReport|nil
---@return nylon_ring.Error?
function core.await_unload(unload, handle, text) end

---What a plugin file holds, without starting it.
---@param path string
---@return table|nil inspection
---@return nylon_ring.Error? err
function core.inspect(path) end

-- ---- Calls ----

---The structure of nylon_ring.fast.
---@type lightuserdata
core.fast = nil

---The address of an int in it: where that is not 0, the next `fast.call` only has the loop turn once.
---@type lightuserdata
core.interrupted = nil

---@type table<string, integer> ["type"] = size, ["type.field"] = offset
core.layout = {}

---Calls and suspends until the answer is there. An error to raise comes after `core.raised`.
---@async
---@param handle nylon_ring.core.Handle
---@param target string
---@param request nylon_ring.core.Prepared
---@param body string
---@param timeout number 0: none
---@param state? table<string, string>
---@return integer|nil status
---@return string|nylon_ring.Error body
---@return boolean|nil at_once it was answered without waiting
function core.call(handle, target, request, body, timeout, state) end

---Suspends until the call is answered that `fast.call` has just left pending.
---@async
---@param handle nylon_ring.core.Handle
---@param target string
---@param timeout number as the call was started with, for messages
---@return integer|nil status
---@return string|nylon_ring.Error body
function core.await(handle, target, timeout) end

---Tells the plugin something, with first values of the call's state: done when `handle` returns.
---@param handle nylon_ring.core.Handle
---@param request nylon_ring.core.Prepared
---@param body string
---@param state? table<string, string>
---@return true|nil
---@return nylon_ring.Error?
function core.notify(handle, request, body, state) end

---The Error of the function of `fast` that has just failed.
---@param handle? nylon_ring.core.Handle
---@return nil
---@return nylon_ring.Error
function core.failure(handle) end

---What `fast` has left as its result, where that is odd.
---@param handle nylon_ring.core.Handle
---@param target string
---@return integer|nil status
---@return string|nylon_ring.Error body
function core.result(handle, target) end

-- ---- Streams ----

---Limits of 0 are the defaults, or none.
---@param handle nylon_ring.core.Handle
---@param request nylon_ring.core.Prepared
---@param body string
---@param timeout number
---@param deadline number
---@param max_frames number
---@param max_bytes number
---@param state? table<string, string>
---@return nylon_ring.core.Reader|nil
---@return nylon_ring.Error?
function core.open_stream(handle, request, body, timeout, deadline, max_frames, max_bytes, state) end

---The next frame; suspends until there is one. An error to raise comes after `core.raised`.
---@async
---@param reader nylon_ring.core.Reader
---@param handle nylon_ring.core.Handle
---@param target string
---@param timeout number
---@return integer|nil status nil after the end
---@return string|nylon_ring.Error|nil data
---@return boolean|nil at_once it was there already
function core.recv(reader, handle, target, timeout) end

---@param reader nylon_ring.core.Reader
---@param handle nylon_ring.core.Handle
---@param data string
---@return true|nil
---@return nylon_ring.Error?
function core.send(reader, handle, data) end

---@param reader nylon_ring.core.Reader
---@param handle nylon_ring.core.Handle
---@return true|nil
---@return nylon_ring.Error?
function core.finish(reader, handle) end

---@param reader nylon_ring.core.Reader
function core.close_stream(reader) end

---@param reader nylon_ring.core.Reader
---@return string|nil
function core.stream_sid(reader) end

---@param reader nylon_ring.core.Reader
---@return boolean whether it is neither closed nor read to its end
function core.stream_open(reader) end

-- ---- The loop, logs, the end ----

---Called before the loop waits, once after a script had closed handles of the bridge's.
---@param fn fun()|nil
function core.on_reopen(fn) end

---Whether a luv handle is the bridge's own.
---@param handle userdata
---@return boolean
function core.owns(handle) end

---@param fn? fun(line: nylon_ring.LogLine)
---@param beside? boolean lines go to standard error as well
function core.on_log(fn, beside) end

---Calls, streams and unloads that are open.
---@return integer
function core.pending() end

---Streams that are open: neither closed nor read to their end.
---@return integer
function core.streams() end

---Registry references that tasks and unloads hold; calls and streams hold none.
---@return integer
function core.refs() end

---From now on a crash of a plugin is told on standard error, with the plugin's name, before the process ends.
function core.report_crashes() end

---Images that stay mapped because a plugin's threads may still run in them.
---@return integer
function core.abandoned() end

---Gives up what is open and drops the plugins, for good.
function core.close() end

return core
