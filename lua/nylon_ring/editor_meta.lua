---@meta nylon_ring.editor
-- What src/bridge/editor*.c define in C, for editors; it is never loaded. Internal: the REPL's terminal uses
-- it. A spec holds this file against the module.
-- luacheck: ignore 212 241

---@class nylon_ring.editor
local editor = {}

---@class nylon_ring.Editor: userdata one edited line; collecting it gives the terminal back
local Editor = {}

---@alias nylon_ring.EditorEvent
---| "key" the line or the cursor may have changed
---| "accept" | "complete" | "search" | "up" | "down" | "first" | "last" | "redraw" | "undo" | "eof" | "paste"
---| "overlong" more was pasted than is taken

---Opens a terminal for editing; it stays as it is until `raw`.
---@param fd integer
---@return nylon_ring.Editor|nil
---@return string? err
function editor.new(fd) end

---How many cells a character takes; -1 for what can not be shown.
---@param character string
---@return integer
function editor.width(character) end

---Waits until a descriptor takes something.
---@param fd integer
---@param ms integer
---@return boolean takes false: not within that time
function editor.await_writable(fd, ms) end

---Locks an open file, unless another process has it locked; closing the file lets go.
---@param fd integer
---@return boolean has this process has it to itself now
function editor.lock(fd) end

---Stops the process until it is continued, as SIGTSTP does by itself; nothing where nobody could continue it.
function editor.stop() end

---The function that puts the terminal back, for whoever ends the process without destructors.
---@return lightuserdata address of a pointer to it
function editor.restorer() end

---Takes SIGINT over.
---@param flag? lightuserdata `core.interrupted`
---@return integer fd readable when one came
function editor.watch_interrupts(flag) end

---@return integer count how many came since it was last called
function editor.take_interrupts() end

---SIGINT goes where it went before.
function editor.leave_interrupts() end

---Starts what is needed to capture what C code writes to standard output and standard error, where they are
---terminals.
---@return integer|nil fd readable when something was written
---@return string? err
function editor.open_capture() end

---From now on that is captured, or goes to the terminal.
---@param on boolean
function editor.capture(on) end

---What was captured since this was last called.
---@return string
function editor.captured() end

---Ends it all.
---@return string rest what was captured since
function editor.close_capture() end

---Asks code that does not come back to the loop whether it is to stop, when something came on a watched
---socket.
---@param fn fun(): boolean must not suspend
---@return boolean watches false where the program uses SIGIO itself
function editor.watch_sockets(fn) end

---Watches a socket until it is closed.
---@param fd integer
function editor.watch_socket(fd) end

---What a socket holds, or its beginning, which stays there.
---@param fd integer
---@return string|nil bytes "" after a hangup; nil: nothing now
function editor.peek(fd) end

---Nothing is asked any more.
function editor.leave_sockets() end

---Takes the terminal and begins an empty line, or gives it back as it was.
---@param on boolean
function Editor:raw(on) end

---The terminal's descriptor, to wait for input and to write to; closed by `close`.
---@return integer
function Editor:fd() end

---Takes in what was typed.
---@return integer|nil count 0 at the end; nil: nothing now
function Editor:read() end

---Uses one whole key of what was typed.
---@return nylon_ring.EditorEvent|nil event
---@return string? text of "paste"
function Editor:step() end

---Takes one whole key without using it on the line.
---@return string|nil
function Editor:key() end

---The key that `key` took is used by the next `step`.
function Editor:put_back() end

---Takes Escape where nothing was typed after it. It may be the beginning of a key.
---@return boolean taken
function Editor:take_escape() end

---Forgets what was typed and is not used yet, also half a paste.
function Editor:reset() end

---@return string before the cursor
---@return string after
function Editor:line() end

---@param before string
---@param after? string the cursor stands before it
function Editor:set(before, after) end

---@param text string at the cursor
function Editor:insert(text) end

---@param count integer characters before the cursor
function Editor:erase(count) end

---@return integer columns
---@return integer rows
function Editor:size() end

---Gives the terminal back, for good.
function Editor:close() end

return editor
