std = "luajit"
max_line_length = 110
cache = false
exclude_files = { "build" }
self = false

files["spec/**/*.lua"] = { std = "+busted" }
files["examples/**/*_spec.lua"] = { std = "+busted" }
