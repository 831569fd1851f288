# Registers every folder that holds specs with ctest, as spec_<folder>.
file(GLOB spec_files RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} CONFIGURE_DEPENDS */*_spec.lua)
set(spec_folders)
foreach(file ${spec_files})
    get_filename_component(folder ${file} DIRECTORY)
    list(APPEND spec_folders ${folder})
endforeach()
list(REMOVE_DUPLICATES spec_folders)

# A stock LuaJIT that loads our module under a sanitizer needs its runtime first.
set(preload "")
if(NYLON_RING_SANITIZE MATCHES "address")
    execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=libasan.so
        OUTPUT_VARIABLE preload OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()

# The bridge's primitives are looked at without the scheduler that the program puts on top of them:
# a stock busted under a stock LuaJIT.
find_program(LUAJIT luajit REQUIRED)
set(share ${CMAKE_BINARY_DIR}/share/lua/5.1)
set(stock_busted ${CMAKE_COMMAND} -E env
    "LUA_PATH=${share}/?.lua$<SEMICOLON>${share}/?/init.lua$<SEMICOLON>$<SEMICOLON>"
    "LUA_CPATH=${CMAKE_BINARY_DIR}/lib/lua/5.1/?.so$<SEMICOLON>$<SEMICOLON>"
    "LD_PRELOAD=${preload}"
    ${LUAJIT} ${BUSTED})

foreach(folder ${spec_folders})
    set(runner $<TARGET_FILE:nylon-ring> test)
    if(folder STREQUAL "bridge")
        set(runner ${stock_busted})
    endif()
    add_test(NAME spec_${folder} COMMAND ${runner} spec/${folder}
        WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(spec_${folder} PROPERTIES
        TIMEOUT 600
        ENVIRONMENT "NYLON_RING_BUILD=${CMAKE_BINARY_DIR};NYLON_RING_TEST_TIMEOUT=120000")
endforeach()
