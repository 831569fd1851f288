/* A library with the note that Go's linker leaves in one with its runtime. */
__attribute__((section(".note.go.buildid"), used, aligned(4))) static const struct {
    unsigned name_size, desc_size, type;
    char name[4];
    char desc[4];
} note = {4, 4, 4, "Go", "id"};
