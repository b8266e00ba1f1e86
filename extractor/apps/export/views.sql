-- The views of an exported DuckDB database. Each is created only if the tables and views that it needs exist.

CREATE VIEW bounds AS
WITH parts(joint, part, part_unit, of_units) AS (VALUES
    ('alt_or_ast', 'alt', 'U/L', '%'), ('alt_or_ast', 'ast', 'U/L', '%'),
    ('alt_ast_or_alp', 'alp', 'U/L', '%'), ('alt_ast_or_alp', 'alt', 'U/L', '%'), ('alt_ast_or_alp', 'ast', 'U/L', '%'),
    ('lipase_or_amylase', 'amylase', 'U/L', '%'), ('lipase_or_amylase', 'lipase', 'U/L', '%'),
    ('egfr_or_creatinine_clearance', 'creatinine_clearance', 'mL/min', '%'),
    ('egfr_or_creatinine_clearance', 'egfr', 'mL/min/{1.73_m2}', '%'),
    ('serum_creatinine_or_clearance', 'creatinine_clearance', 'mL/min', 'mL/min%'),
    ('serum_creatinine_or_clearance', 'serum_creatinine', 'mg/dL', '%/%L'),
    ('serum_creatinine_or_clearance', 'serum_creatinine', 'mg/dL', '{%}'),
    ('inr_or_prothrombin_time', 'inr', '1', '1'), ('inr_or_prothrombin_time', 'inr', '1', '{%}'),
    ('inr_or_prothrombin_time', 'prothrombin_time', 's', 's'), ('inr_or_prothrombin_time', 'prothrombin_time', 's', '{%}'),
    ('inr_or_aptt', 'aptt', 's', 's'), ('inr_or_aptt', 'aptt', 's', '{%}'),
    ('inr_or_aptt', 'inr', '1', '1'), ('inr_or_aptt', 'inr', '1', '{%}'),
    ('prothrombin_time_or_aptt', 'aptt', 's', '%'), ('prothrombin_time_or_aptt', 'prothrombin_time', 's', '%'),
    ('swollen_and_tender_joint_count', 'swollen_joint_count', '1', '%'),
    ('swollen_and_tender_joint_count', 'tender_joint_count', '1', '%'),
    ('systolic_and_diastolic_blood_pressure', 'diastolic_blood_pressure', 'mm[Hg]', '%'),
    ('systolic_and_diastolic_blood_pressure', 'systolic_blood_pressure', 'mm[Hg]', '%'),
    ('karnofsky_or_lansky', 'karnofsky', '{score}', '%'), ('karnofsky_or_lansky', 'lansky', '{score}', '%')
), split AS (
    SELECT *, unnest(coalesce(
            -- "ECOG or Karnofsky 0-1": 1 cannot be a Karnofsky index
            CASE WHEN quantity_canonical = 'ecog_or_karnofsky' THEN if(value > 5, ['karnofsky'], ['ecog_performance_status']) END,
            (SELECT list(part ORDER BY part) FROM parts WHERE joint = quantity_canonical AND coalesce(unit_ucum, '') LIKE of_units),
            string_split(quantity_canonical, '|'))) AS bounded,
        coalesce(admits, admits_some) AS sign,
        value_canonical IS NOT NULL OR canonical_note IN ('implausible', 'no conversion') AS is_measured,
        if(value_canonical IS NULL, value, value_canonical) AS one, if(value_canonical IS NULL, value_high, value_high_canonical) AS other
    FROM constraints WHERE quantity_canonical IS NOT NULL
)
SELECT record_id, row_number() OVER (PARTITION BY record_id ORDER BY criterion_index, constraint_index, bounded) - 1 AS bound_index,
    criterion_index, constraint_index, bounded AS quantity,
    CASE WHEN bounded IN ('egfr', 'creatinine_clearance') THEN 'kidney_function' END AS quantity_group,
    CASE WHEN sign IS NULL THEN NULL
        -- "ALT or AST > 2 x ULN" in patients with hepatitis: one of the two is enough. A lower limit on values that are worse when low bounds both.
        WHEN laboratory AND is_measured AND sign IN ('>', '>=') AND bounded <> quantity_canonical AND bounded NOT IN ('haemoglobin',
            'platelet_count', 'absolute_neutrophil_count', 'pao2', 'creatinine_clearance', 'egfr', 'albumin') THEN 'some'
        ELSE if(admits IS NULL, 'some', 'all') END AS holds_for,
    CASE WHEN is_measured AND sign NOT IN ('<', '<=') THEN one END AS low,
    CASE WHEN low IS NOT NULL THEN sign IN ('>=', '=', 'between') END AS low_inclusive,
    CASE WHEN is_measured AND sign NOT IN ('>', '>=') THEN if(sign IN ('between', 'outside'), other, one) END AS high,
    CASE WHEN high IS NOT NULL THEN sign IN ('<=', '=', 'between') END AS high_inclusive,
    CASE WHEN is_measured THEN sign IN ('outside', '<>') END AS outside,
    CASE WHEN is_measured AND sign IS NOT NULL THEN coalesce(unit_canonical, unit_ucum) END AS unit,
    CASE WHEN is_measured AND sign IS NOT NULL THEN canonical_note IS DISTINCT FROM 'implausible' AND (value_canonical IS NOT NULL
        OR EXISTS (FROM parts WHERE part = bounded AND part_unit = unit_ucum AND bounded <> quantity_canonical)) END AS canonical,
    condition, sex, confidence
FROM split;
COMMENT ON VIEW bounds IS 'The range of admitted values for each quantity that a limit bounds. The limits of exclusions are inverted.';
COMMENT ON COLUMN bounds.record_id IS 'The record''s NCT number, or the stem of its file name.';
COMMENT ON COLUMN bounds.bound_index IS 'The position of the row in the record, from 0.';
COMMENT ON COLUMN bounds.criterion_index IS 'The position of the criterion in `criteria`, from 0.';
COMMENT ON COLUMN bounds.constraint_index IS 'The position of the limit in its criterion, from 0.';
COMMENT ON COLUMN bounds.quantity IS 'The canonical name of the quantity. A limit on several quantities has a row for each of them.';
COMMENT ON COLUMN bounds.quantity_group IS 'kidney_function for egfr and creatinine_clearance; otherwise empty.';
COMMENT ON COLUMN bounds.holds_for IS 'all if the bound applies to everybody; some if it applies to only some people, has an exception, or is one of several alternatives. Empty if the limit does not show which values are admitted.';
COMMENT ON COLUMN bounds.low IS 'The lower end of the admitted values or, if `outside` is true, of the excluded values, in `unit`.';
COMMENT ON COLUMN bounds.low_inclusive IS 'Whether `low` itself is admitted.';
COMMENT ON COLUMN bounds.high IS 'The upper end of the admitted values or, if `outside` is true, of the excluded values, in `unit`.';
COMMENT ON COLUMN bounds.high_inclusive IS 'Whether `high` itself is admitted.';
COMMENT ON COLUMN bounds.outside IS 'Whether the values between the ends are excluded, rather than the values outside them.';
COMMENT ON COLUMN bounds.unit IS 'UCUM code of the unit of `low` and `high`.';
COMMENT ON COLUMN bounds.canonical IS 'Whether `unit` is the canonical unit of the quantity, so that numbers of different trials can be compared.';
COMMENT ON COLUMN bounds.condition IS 'The words that state for whom or when the limit applies.';
COMMENT ON COLUMN bounds.sex IS 'male or female, if the limit applies to one sex only.';
COMMENT ON COLUMN bounds.confidence IS 'The lowest probability that a field of the limit is correct.';

CREATE VIEW all_limits AS
SELECT record_id, criterion_index, constraint_index, CASE
        WHEN laboratory OR 'concentration' IN (quantity_canonical, quantity_kind) THEN 'laboratory value'
        WHEN regexp_matches(quantity_canonical, 'blood_pressure|mean_arterial|heart_rate|respiratory_rate|temperature|spo2') THEN 'vital sign'
        WHEN quantity_canonical IN ('age', 'bmi', 'body_weight', 'height', 'life_expectancy') THEN quantity_canonical
        WHEN unit_ucum IN ('{score}', '{grade}', '{class}', '{stage}') OR 'score' IN (quantity_canonical, quantity_kind)
            OR regexp_matches(quantity, '(?i)scor|scale|\bVAS\b|\bNRS\b|questionnaire|inventory') THEN 'score'
        WHEN quantity_canonical IS NULL THEN 'not known'
        ELSE 'other' END AS sort,
    quantity, quantity_canonical, comparator, value, value_high, unit, condition, kind AS list, negated, admits, admits_some, quote,
    constraints.confidence, constraints.section, constraints.char_start, constraints.char_end, words
FROM constraints JOIN criteria USING (record_id, criterion_index);
COMMENT ON VIEW all_limits IS 'All limits with their criteria and the category of their quantity.';
COMMENT ON COLUMN all_limits.record_id IS 'The record''s NCT number, or the stem of its file name.';
COMMENT ON COLUMN all_limits.criterion_index IS 'The position of the criterion in `criteria`, from 0.';
COMMENT ON COLUMN all_limits.constraint_index IS 'The position of the limit in its criterion, from 0.';
COMMENT ON COLUMN all_limits.sort IS 'The category of the quantity: laboratory value (see `constraints.laboratory`), vital sign, score, age, bmi, body_weight, height, life_expectancy, other, or not known for a quantity without a canonical name.';
COMMENT ON COLUMN all_limits.quantity IS 'The limited quantity, as written.';
COMMENT ON COLUMN all_limits.quantity_canonical IS 'One name for all spellings; empty if the vocabulary does not have a name.';
COMMENT ON COLUMN all_limits.comparator IS '<, <=, >, >=, = or between.';
COMMENT ON COLUMN all_limits.value IS 'The limit, or the lower end of a range.';
COMMENT ON COLUMN all_limits.value_high IS 'The upper end of a range.';
COMMENT ON COLUMN all_limits.unit IS 'As written.';
COMMENT ON COLUMN all_limits.condition IS 'The words that state for whom or when the limit applies.';
COMMENT ON COLUMN all_limits.list IS 'The list that contains the criterion: inclusion or exclusion. An inclusion limit also excludes people.';
COMMENT ON COLUMN all_limits.negated IS 'Whether the criterion is negated, which reverses the limit.';
COMMENT ON COLUMN all_limits.admits IS 'Comparator of the admitted values, if the limit applies to everybody. Empty if the criterion is negated.';
COMMENT ON COLUMN all_limits.admits_some IS 'The same for a limit that applies to only some people.';
COMMENT ON COLUMN all_limits.quote IS 'The text of the criterion.';
COMMENT ON COLUMN all_limits.confidence IS 'The lowest probability that a field of the limit is correct.';
COMMENT ON COLUMN all_limits.section IS 'The section that contains `words`.';
COMMENT ON COLUMN all_limits.char_start IS 'The offset of the first character of `words` in the text of the section.';
COMMENT ON COLUMN all_limits.char_end IS 'The offset after the last character of `words`.';
COMMENT ON COLUMN all_limits.words IS 'The words that state the limit.';

CREATE VIEW look_backs AS
SELECT record_id, criterion_index, window_index, category, windows.of, value, windows.unit, coalesce(days_high, days) AS days,
    coalesce(anchor_class, 'not stated') AS counted_from, criteria.quote AS words, windows.confidence,
    (SELECT string_agg(concat_ws(' ', quantity, comparator, value, unit), '; ' ORDER BY constraint_index) FROM constraints
     WHERE (record_id, criterion_index) = (windows.record_id, windows.criterion_index)) AS limits,
    CASE WHEN coalesce(category, '') IN ('prior_therapy', 'concomitant_therapy') THEN coalesce(
        (SELECT string_agg(thing, '; ' ORDER BY thing_index) FROM window_things
         WHERE (record_id, criterion_index, window_index) = (windows.record_id, windows.criterion_index, windows.window_index)),
        windows.of) END AS drug,
    CASE WHEN category IN ('prior_therapy', 'concomitant_therapy') THEN
            CASE WHEN windows.of IS NULL THEN 'the window does not name it; see words' END
        -- "any investigational drug", or a sentence about drugs behind one about diseases
        WHEN regexp_matches(criteria.quote, '(?i)\b(drugs?|medications?|medicines?)\b') THEN
            'the words mention drugs, but the category of the criterion is not a therapy'
        ELSE 'the category of the criterion is not a therapy' END AS no_drug
FROM windows JOIN criteria USING (record_id, criterion_index)
-- not a window that lies ahead, as in "planned surgery within 6 months", "surgery in the next 6 months"
WHERE NOT coalesce(regexp_matches(
    substr(criteria.quote, 1, CAST(windows.char_start - criteria.char_start AS INTEGER)),
    '(?i)\b(plan(s|ned|ning)?|scheduled?|anticipated?|expect(s|ed|ing)?|intend(s|ed|ing)?|(will|likely to) (need|require|undergo|have|receive|start))( [\w/-]+){0,4} ?\(?$'
), false) AND NOT coalesce(regexp_matches(windows.quote, '(?i)\b(the|his|her|their) (next|coming|upcoming|following) '), false) AND CASE
    WHEN comparator IN ('<', '<=', 'between') THEN
        kind = 'exclusion' OR negated OR regexp_matches(criteria.quote, '(?i)not (taken|received|used) ')
    ELSE anchor_class = 'last_dose' OR (
        regexp_matches(criteria.quote, '(?i)discontinu|withdr[ae]w|wash|stop|ceas|(^| )off |free |since|elapsed|complet|last dose')
        AND NOT regexp_matches(criteria.quote, '(?i)stable|currently on'))
END;
COMMENT ON VIEW look_backs IS 'Periods in which a treatment or event must not have occurred.';
COMMENT ON COLUMN look_backs.record_id IS 'The record''s NCT number, or the stem of its file name.';
COMMENT ON COLUMN look_backs.criterion_index IS 'The position of the criterion in `criteria`, from 0.';
COMMENT ON COLUMN look_backs.window_index IS 'The position of the time window in its criterion, from 0.';
COMMENT ON COLUMN look_backs.category IS 'The category of the criterion.';
COMMENT ON COLUMN look_backs.of IS 'The treatment or event that must not have occurred.';
COMMENT ON COLUMN look_backs.value IS 'The length of the period in `unit`, or the lower end of a range.';
COMMENT ON COLUMN look_backs.unit IS 'day, week, month, year, hour, half_life, ...';
COMMENT ON COLUMN look_backs.days IS 'The length of the period in days, or the upper end of a range; empty for half-lives.';
COMMENT ON COLUMN look_backs.counted_from IS 'The class of the moment from which the period is counted (see `windows.anchor_class`), or not stated.';
COMMENT ON COLUMN look_backs.words IS 'The text of the criterion.';
COMMENT ON COLUMN look_backs.confidence IS 'The lowest probability that a field of the time window is correct.';
COMMENT ON COLUMN look_backs.limits IS 'The limits in the criterion, joined by ;.';
COMMENT ON COLUMN look_backs.drug IS 'The treatments, joined by ;, if the category of the criterion is a therapy.';
COMMENT ON COLUMN look_backs.no_drug IS 'Why `drug` is empty.';
