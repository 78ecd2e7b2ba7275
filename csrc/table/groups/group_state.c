#include "table/groups/group_state.h"

#include <math.h>

__extension__ typedef __int128 wide;
__extension__ typedef unsigned __int128 unsigned_wide;

static wide wide_of(const struct scoop_measure_state *state) {
    return (wide)((unsigned_wide)(uint64_t)state->sum.high << 64 | state->sum.low);
}

static void set_wide(struct scoop_measure_state *state, wide sum) {
    state->sum.low = (uint64_t)(unsigned_wide)sum;
    state->sum.high = (int64_t)(sum >> 64);
}

static void add_real(struct scoop_measure_state *state, double value) {
    double sum = state->real.sum + value;
    state->real.rest += fabs(state->real.sum) >= fabs(value) ? state->real.sum - sum + value
                                                             : value - sum + state->real.sum;
    state->real.sum = sum;
}

static bool is_real(const struct scoop_schema_measure *measure) {
    return measure->column.type == SCOOP_VALUE_DOUBLE;
}

/* Keeps the lesser or the greater one. */
static void keep_integer(struct scoop_measure_state *state, enum scoop_measure_kind kind,
                         int64_t value) {
    if (state->values == 0 || (kind == SCOOP_MIN ? value < state->integer : value > state->integer))
        state->integer = value;
}

static void keep_number(struct scoop_measure_state *state, enum scoop_measure_kind kind,
                        double value) {
    if (state->values == 0 || (kind == SCOOP_MIN ? value < state->number : value > state->number))
        state->number = value;
}

static void add_value(struct scoop_measure_state *state, const struct scoop_schema_measure *measure,
                      const struct scoop_field_value *value) {
    if (measure->kind == SCOOP_SUM && is_real(measure))
        add_real(state, value->number);
    else if (measure->kind == SCOOP_SUM)
        set_wide(state, wide_of(state) + value->integer);
    else if (measure->kind != SCOOP_COUNT && is_real(measure))
        keep_number(state, measure->kind, value->number);
    else if (measure->kind != SCOOP_COUNT)
        keep_integer(state, measure->kind, value->integer);
    state->values++;
}

static void put_state(unsigned char *group, size_t measure,
                      const struct scoop_measure_state *state) {
    memcpy(group + sizeof(uint64_t) + measure * sizeof *state, state, sizeof *state);
}

static void add_records(unsigned char *group, uint64_t more) {
    uint64_t records = scoop_group_records(group) + more;
    memcpy(group, &records, sizeof records);
}

void scoop_group_state_count(unsigned char *group, const struct scoop_group_fields *fields) {
    const struct scoop_group_schema *schema = fields->schema;
    add_records(group, 1);
    for (size_t i = 0; i < schema->measure_count; i++) {
        const struct scoop_schema_measure *measure = &schema->measures[i];
        if (measure->column.field == SIZE_MAX)
            continue;
        const struct scoop_field_value *value = &fields->values[measure->column.field];
        if (value->state != SCOOP_FIELD_GIVEN)
            continue;
        struct scoop_measure_state state = scoop_group_state(group, i);
        add_value(&state, measure, value);
        put_state(group, i, &state);
    }
}

static void merge_state(struct scoop_measure_state *state, const struct scoop_measure_state *other,
                        const struct scoop_schema_measure *measure) {
    if (measure->kind == SCOOP_SUM && is_real(measure)) {
        add_real(state, other->real.sum);
        state->real.rest += other->real.rest;
    } else if (measure->kind == SCOOP_SUM) {
        set_wide(state, wide_of(state) + wide_of(other));
    } else if (measure->kind != SCOOP_COUNT && is_real(measure)) {
        keep_number(state, measure->kind, other->number);
    } else if (measure->kind != SCOOP_COUNT) {
        keep_integer(state, measure->kind, other->integer);
    }
    state->values += other->values;
}

void scoop_group_state_merge(unsigned char *group, const unsigned char *other,
                             const struct scoop_group_schema *schema) {
    add_records(group, scoop_group_records(other));
    for (size_t i = 0; i < schema->measure_count; i++) {
        struct scoop_measure_state state = scoop_group_state(group, i);
        const struct scoop_measure_state added = scoop_group_state(other, i);
        if (added.values == 0)
            continue;
        merge_state(&state, &added, &schema->measures[i]);
        put_state(group, i, &state);
    }
}

bool scoop_group_measured(const unsigned char *group, const struct scoop_group_schema *schema,
                          size_t measure, struct scoop_measured *measured) {
    const struct scoop_schema_measure *of = &schema->measures[measure];
    const struct scoop_measure_state state = scoop_group_state(group, measure);
    memset(measured, 0, sizeof *measured);
    if (of->kind == SCOOP_COUNT) {
        measured->integer =
            (int64_t)(of->column.field == SIZE_MAX ? scoop_group_records(group) : state.values);
        return true;
    }
    measured->null = state.values == 0;
    measured->is_real = is_real(of);
    if (measured->null)
        return true;
    if (measured->is_real) {
        measured->number = of->kind == SCOOP_SUM ? state.real.sum + state.real.rest : state.number;
        return isfinite(measured->number);
    }
    wide value = of->kind == SCOOP_SUM ? wide_of(&state) : (wide)state.integer;
    measured->integer = (int64_t)value;
    return value == (wide)measured->integer;
}
