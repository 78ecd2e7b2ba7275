/* Where temporary files go. */
#ifndef SCOOP_TEMP_FOLDER_H
#define SCOOP_TEMP_FOLDER_H

/* $TMPDIR or /tmp, to be copied. The environment may change under a reader on another thread: call
 * it when an object is set up, not while it works (the binding sets up with the GIL, which whoever
 * changes os.environ has, too). */
const char *scoop_temp_folder(void);

#endif
