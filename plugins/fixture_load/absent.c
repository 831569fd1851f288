/* libnr_fixture_absent.so: the library that fixture_load_missing_library is linked with. It is
 * built into a folder of its own where the loader does not look. */
void nr_fixture_absent(void);

__attribute__((visibility("default"))) void nr_fixture_absent(void) {}
