/* A library that uses a symbol which nothing defines. */
int nr_test_defined_nowhere(void);
int nr_test_use(void);

__attribute__((visibility("default"))) int nr_test_use(void) {
    return nr_test_defined_nowhere();
}
