std = "luajit"
max_line_length = 110
cache = false
self = false

files["spec/**/*.lua"] = { std = "+busted" }
