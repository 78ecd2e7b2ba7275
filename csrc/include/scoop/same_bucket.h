/* Whether two ways to reach S3 lead to one bucket. Asked before something is written that could be
 * a source: settings may differ in form only. */
#ifndef SCOOP_SAME_BUCKET_H
#define SCOOP_SAME_BUCKET_H

#include "scoop/s3.h"

/* PERHAPS where nothing tells: of two servers one may be a proxy of the other, an alias may be any
 * bucket's. Who must not be wrong takes it for the same. */
enum scoop_sameness { SCOOP_OTHER_BUCKET, SCOOP_PERHAPS_SAME_BUCKET, SCOOP_SAME_BUCKET };

/* Of the options only endpoint_url and region count: a bucket is the same whoever asks. */
enum scoop_sameness scoop_same_bucket(const struct scoop_s3_options *one, const char *one_bucket,
                                      const struct scoop_s3_options *other,
                                      const char *other_bucket);

#endif
