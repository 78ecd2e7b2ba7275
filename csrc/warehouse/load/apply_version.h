/* Whether it is a file's turn: the versions of a table are applied one after the other. */
#ifndef SCOOP_WAREHOUSE_LOAD_APPLY_VERSION_H
#define SCOOP_WAREHOUSE_LOAD_APPLY_VERSION_H

#include "scoop/apply.h"
#include "table/changes/line.h"
#include "warehouse/load/apply_log.h"

/* Notes what a line says that it is of; all lines of a file say the same. 0, or -1 with BAD_RECORD.
 */
int scoop_apply_version_take(struct scoop_apply_version *version,
                             const struct scoop_change_record *record, struct scoop_error *error);

enum scoop_apply_turn {
    SCOOP_APPLY_TURN_NOW,
    SCOOP_APPLY_TURN_DONE,   /* it is the table's last entry: it is applied */
    SCOOP_APPLY_TURN_UNSURE, /* it was applied before others: it is applied if the table says so */
    SCOOP_APPLY_TURN_WRONG
};

/* By what airscoop.applied says of the table. WRONG with WRONG_VERSION: of another dataset, or
 * not the successor of the table's version. */
enum scoop_apply_turn scoop_apply_turn(const struct scoop_applied *applied,
                                       const struct scoop_change_source_facts *source,
                                       struct scoop_error *error);

#endif
