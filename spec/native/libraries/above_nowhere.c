/* A library that needs one which uses a symbol that nothing defines. */
int nr_test_use(void);
int nr_test_use_above(void);

__attribute__((visibility("default"))) int nr_test_use_above(void) {
    return nr_test_use();
}
