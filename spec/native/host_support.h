/* What native tests of the host core share: files in folders of their own, and proof that nothing
 * is left behind. */
#ifndef HOST_SUPPORT_H
#define HOST_SUPPORT_H

#include <stddef.h>

/* Makes a folder that only this test uses; freed and removed, with its files, by
 * `support_folder_remove`. */
char *support_folder_new(void);
void support_folder_remove(char *folder);

/* `folder/name`; the caller frees it. */
char *support_path(const char *folder, const char *name);

/* Copies a file, or writes bytes into one; an old one is replaced as a compiler would, under a new
 * inode. Answers the path `folder/name`, which the caller frees. */
char *support_copy(const char *from, const char *folder, const char *name);
char *support_write(const char *folder, const char *name, const void *bytes, size_t len);

/* A whole file; the caller frees it. */
unsigned char *support_read(const char *path, size_t *len);

/* Entries of a folder but `.` and `..`. */
size_t support_entries(const char *folder);

/* Mappings of this process whose line holds `text`. */
size_t support_mappings(const char *text);

/* What a process has of the system, to be compared before and after. */
typedef struct support_residue {
    size_t mappings; /* of files */
    size_t descriptors;
    size_t threads;
} support_residue_t;

support_residue_t support_residue(void);
void support_assert_nothing_left(support_residue_t before);

#endif
