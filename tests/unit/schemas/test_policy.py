"""Policy files: what is wrong is refused, and the refusal names the field."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from serinus.adapters.schemas.policy import parse_policy, policy_json, read_policy
from serinus.adapters.schemas.policy_serving import OPEN_IN_WORDS
from serinus.domain.alarm_limits import AlarmLimits
from serinus.domain.guard import Guard, RolloutMetric
from serinus.domain.metric import Metric, MetricGate
from serinus.domain.policy import Baseline, DriftLimits, EndpointName, PerformanceLimits, Policy, Retraining, Slicing
from serinus.domain.rollout_plan import BadOutcome, ShadowPlan, WhenBusy, WrongLabel
from serinus.domain.serving import Authorisation, JwtIssuer, LogInputs, Serving
from serinus.errors import PolicyRefused

MINIMAL = """
endpoint = "fraud"
owners = ["risk@example.com"]

[[gates]]
metric = "roc_auc"
minimum = 0.7
"""

GUARD = "[[rollout.guards]]\nmetric = 'errors'\nmargin = 0.01\ntolerance = 1.0\nguards_promotion = true\n"

ISSUER = JwtIssuer("https://login.example.com/", ("a",))
JWT = "[serving.jwt]\nissuer = 'https://login.example.com/'\naudience = ['a']\n"


def read(folder: Path, text: str, name: str = "fraud.toml") -> Policy:
    """Read a policy file of this text."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_policy(path)


def test_a_minimal_policy_takes_the_defaults(tmp_path: Path) -> None:
    """Endpoint, owners and a gate are all that must be said."""
    gate = MetricGate(Metric.ROC_AUC, minimum=0.7)
    assert read(tmp_path, MINIMAL) == Policy(EndpointName("fraud"), ("risk@example.com",), gates=(gate,))


def test_the_parameter_store_gives_back_the_same_policy(tmp_path: Path) -> None:
    """Written as JSON and parsed again it has the same digest, optional parts and all."""
    policy = read(tmp_path, MINIMAL + "[retraining]\n[rollout]\nsteps = [1, 99]\n")
    assert policy.retraining == Retraining()
    again = parse_policy(json.loads(policy_json(policy)), source="the store")
    assert again == policy
    assert again.digest == policy.digest


def test_whom_a_policy_lets_in_is_kept(tmp_path: Path) -> None:
    """Read from TOML and from the store alike; a policy that says nothing lets in who signs."""
    assert read(tmp_path, MINIMAL).serving.authorisation is Authorisation.IAM
    for serving, expected in (
        (f"authorisation = 'jwt'\n{JWT}", Serving(authorisation=Authorisation.JWT, jwt=ISSUER)),
        (
            "authorisation = 'token'\nthrottle_callers = true\n",
            Serving(authorisation=Authorisation.TOKEN, throttle_callers=True),
        ),
        (
            f"authorisation = 'open'\nopen_to_everybody = '{OPEN_IN_WORDS}'\n",
            Serving(authorisation=Authorisation.OPEN, open_to_everybody=OPEN_IN_WORDS),
        ),
    ):
        policy = read(tmp_path, f"{MINIMAL}[serving]\n{serving}")
        assert policy.serving == expected
        assert parse_policy(json.loads(policy_json(policy)), source="the store") == policy


def test_what_counts_as_drift_and_as_a_drop_is_the_policys(tmp_path: Path) -> None:
    """Read from TOML and from the store alike; the gates are the floors where none are declared."""
    policy = read(tmp_path, MINIMAL)
    assert (policy.drift, policy.performance) == (DriftLimits(), PerformanceLimits())
    assert policy.floors == policy.gates
    said = (
        "[drift]\nfalse_alarms_per_year = 4\nshare_change = 0.2\ncompare_with = 'same_hours_last_week'\n"
        "[performance]\nwindow_minutes = 60\nconfidence = 0.95\n"
        "[[performance.floors]]\nmetric = 'f1'\nminimum = 0.4\n"
    )
    policy = read(tmp_path, MINIMAL + said)
    assert policy.drift == DriftLimits(
        false_alarms_per_year=4, share_change=0.2, compare_with=Baseline.SAME_HOURS_LAST_WEEK
    )
    floor = MetricGate(Metric.F1, minimum=0.4)
    assert policy.performance == PerformanceLimits(window_minutes=60, confidence=0.95, floors=(floor,))
    assert policy.floors == (floor,)
    assert parse_policy(json.loads(policy_json(policy)), source="the store") == policy


def test_snap_start_is_off_unless_asked_for(tmp_path: Path) -> None:
    """It is charged for by the second, and idle must cost nothing."""
    assert not read(tmp_path, MINIMAL).serving.snap_start
    policy = read(tmp_path, MINIMAL + "[serving]\nsnap_start = true\n")
    assert policy.serving == Serving(snap_start=True)
    assert parse_policy(json.loads(policy_json(policy)), source="the store") == policy


def test_what_a_rollout_judges_is_the_policys(tmp_path: Path) -> None:
    """Read from TOML and from the store alike."""
    said = (
        "[rollout]\nwrong_label = 'false_positive'\nwhen_busy = 'refuse'\n"
        + GUARD
        + "[[rollout.guards]]\nmetric = 'outcome'\n[[rollout.guards]]\nmetric = 'labels'\nmargin = 0.02\n"
        + "[rollout.outcome]\nscore_at_least = 0.9\n"
    )
    policy = read(tmp_path, MINIMAL + said)
    assert policy.rollout.guards == (
        Guard(RolloutMetric.ERRORS, margin=0.01, tolerance=1.0, guards_promotion=True),
        Guard(RolloutMetric.OUTCOME),
        Guard(RolloutMetric.LABELS, margin=0.02),
    )
    assert policy.rollout.outcome == BadOutcome(score_at_least=0.9)
    assert policy.rollout.wrong_label is WrongLabel.FALSE_POSITIVE
    assert policy.rollout.when_busy is WhenBusy.REFUSE
    assert parse_policy(json.loads(policy_json(policy)), source="the store") == policy


def test_a_changed_policy_has_another_digest(tmp_path: Path) -> None:
    """Any field is part of the version."""
    changed = read(tmp_path, MINIMAL + "[serving]\nmemory_mb = 2048\n")
    assert changed.digest != read(tmp_path, MINIMAL).digest


@pytest.mark.parametrize(
    ("addition", "field", "why"),
    [
        ("[serving]\nmemory_mb = '1024'", "serving.memory_mb", "valid integer"),
        ("[serving]\nmemory_mb = true", "serving.memory_mb", "valid integer"),
        ("[serving]\nmemory_mb = 1024.0", "serving.memory_mb", "valid integer"),
        ("[serving]\nmemory_mb = 64", "serving.memory_mb", "128"),
        ("[serving]\nsnap_start = 'yes'", "serving.snap_start", "valid boolean"),
        ("[serving]\ntimeout_seconds = 30", "serving.timeout_seconds", "29"),
        ("[serving]\nauthorisation = 'none'", "serving.authorisation", "'iam', 'jwt', 'token' or 'open'"),
        ("[serving]\nauthorisation = 'open'", "serving", 'open_to_everybody = "yes, anyone may call this endpoint"'),
        ("[serving]\nauthorisation = 'open'\nopen_to_everybody = 'yes'", "serving", "if that is meant, say so"),
        ("[serving]\nauthorisation = 'open'\nopen_to_everybody = true", "serving.open_to_everybody", "valid string"),
        ("[serving]\nopen_to_everybody = 'yes, anyone may call this endpoint'", "serving", "authorisation is 'iam'"),
        ("[serving]\nauthorisation = 'jwt'", "serving", "[serving.jwt] goes with"),
        ("[serving]\nauthorisation = 'token'\n" + JWT, "serving", "authorisation is 'token'"),
        ("[serving]\nauthorisation = 'jwt'\n" + JWT.replace("https", "http"), "serving.jwt.issuer", "https"),
        ("[serving]\nauthorisation = 'jwt'\n" + JWT.replace("['a']", "[]"), "serving.jwt.audience", "at least 1"),
        (
            "[serving]\nauthorisation = 'jwt'\nthrottle_callers = true\n" + JWT,
            "serving",
            "throttle_callers goes with",
        ),
        ("[serving]\nthrottle_callers = 'yes'", "serving.throttle_callers", "valid boolean"),
        ("[serving]\nauthorization = 'iam'", "serving.authorization", "not permitted"),
        ("[rollout]\nsteps = [50, 25]", "rollout", "must rise"),
        ("[rollout]\nsteps = [25, 25]", "rollout", "must rise"),
        ("[rollout]\nsteps = [25, 100]", "rollout.steps.1", "99"),
        ("[rollout]\nsteps = ['5']", "rollout.steps.0", "valid integer"),
        ("[rollout]\nsteps = 5", "rollout.steps", "tuple"),
        ("[rollout]\nbake_seconds = 600", "rollout.bake_seconds", "not permitted"),
        ("[rollout]\nhorizon_seconds = 299", "rollout", "later, takes 300"),
        ("[rollout]\nwhen_busy = 'push in'", "rollout.when_busy", "'wait' or 'refuse'"),
        ("[rollout.alarm]\nperiod_seconds = 86460", "rollout.alarm.period_seconds", "less than or equal to 86400"),
        ("[rollout]\nscore_shift_tolerance = 0.0", "rollout.score_shift_tolerance", "greater than 0"),
        ("[rollout]\nslo_latency_ms = 0", "rollout.slo_latency_ms", "greater than 0"),
        ("[[rollout.guards]]\nmetric = 'charm'", "rollout.guards.0.metric", "'errors'"),
        ("[[rollout.guards]]\nmetric = 'errors'\nmargin = 1.5", "rollout.guards.0.margin", "less than 1"),
        ("[[rollout.guards]]\nmetric = 'errors'\ntolerance = 0.5", "rollout.guards.0.tolerance", "1"),
        ("[[rollout.guards]]\nmetric = 'errors'", "rollout", "guards_promotion = true for one"),
        (GUARD + GUARD, "rollout", "errors is guarded twice"),
        (GUARD + "[[rollout.guards]]\nmetric = 'outcome'", "rollout", "[rollout.outcome] go together"),
        ("[rollout.outcome]\nscore_at_least = 0.9", "rollout", "[rollout.outcome] go together"),
        ("[rollout.outcome]\nscore_at_least = 0.9\nscore_at_most = 0.1", "rollout.outcome", "takes one limit"),
        ("[rollout.alarm]\nfailing_share = 1.0", "rollout.alarm.failing_share", "less than 1"),
        ("[rollout.alarm]\nminimum_requests = 0", "rollout.alarm.minimum_requests", "1"),
        ("[rollout]\ntick_seconds = 1", "rollout", "make tick_seconds longer"),
        ("[rollout]\nwhen_undecided = 'ask'", "rollout.when_undecided", "'return' or 'promote'"),
        ("[rollout.alarm]\nperiod_seconds = 45", "rollout.alarm", "10, 20, 30 or a multiple of 60"),
        ("[rollout.alarm]\nperiod_seconds = 0", "rollout.alarm", "10, 20, 30 or a multiple of 60"),
        ("[drift]\nminimum_rows = 10", "drift.minimum_rows", "30"),
        ("[drift]\nfeature_psi = 'big'", "drift.feature_psi", "valid number"),
        ("[drift]\nfalse_alarms_per_year = 0.0", "drift.false_alarms_per_year", "greater than 0"),
        ("[drift]\nshare_change = 1.0", "drift.share_change", "less than 1"),
        ("[drift]\ncompare_with = 'yesterday'", "drift.compare_with", "same_hours_last_week"),
        (
            "[drift]\ncompare_with = 'same_hours_last_week'\nwindow_minutes = 2880",
            "drift",
            "takes windows of up to a day, 1440, or of a week, 10080",
        ),
        ("[performance]\nconfidence = 1.0", "performance.confidence", "less than 1"),
        ("[performance]\nminimum_rows = 10", "performance.minimum_rows", "30"),
        ("[[performance.floors]]\nmetric = 'f1'", "performance.floors.0", "no limit"),
        ("[drift]\nfeature_psi = nan", "drift.feature_psi", "greater than 0"),
        ("[retraining]\nholdout_share = 1.0", "retraining.holdout_share", "less than 1"),
        ("[retraining]\n[serving]\nlog_inputs = 'none'", "policy", "retraining needs logged inputs"),
        ("[retraining]\n[serving]\npersonal = ['name']", "policy", "serving.personal keeps 'name' out of it"),
        ("[labels]\nid_column = 'e'\n[serving]\npersonal = ['e']", "policy", "labels.id_column is logged"),
        ("[labels]\nid_column = ''", "labels.id_column", "at least 1 character"),
        ("[serving]\npersonal = ['']", "serving.personal.0", "at least 1 character"),
        ("[serving]\nlog_inputs = 'some'", "serving.log_inputs", "'all', 'sample' or 'none'"),
        ("[serving]\nlog_inputs = 'sample'", "serving", "give log_share below 1"),
        ("[serving]\nlog_inputs = 'sample'\nlog_share = 0", "serving.log_share", "greater than 0"),
        ("[serving]\nlog_share = 0.5", "serving", "log_share goes with log_inputs = 'sample'"),
        ("[[gates]]\nmetric = 'recall'", "gates.1", "has no limit"),
        ("[[gates]]\nmetric = 'beauty'\nminimum = 0.5", "gates.1.metric", "'roc_auc'"),
        ("[[gates]]\nmetric = 'recall'\nminimum = 0.9\nmaximum = 0.1", "gates.1", "minimum above its maximum"),
        ("[[gates]]\nmetric = 'recall'\nminimum = nan", "gates.1.minimum", "greater than or equal to 0"),
        ("[[gates]]\nmetric = 'recall'\nworse_than_stable_by = 0.01", "gates.1", "has no limit"),
        (
            "[[gates]]\nmetric = 'recall'\nminimum = 0.1\nworse_than_stable_by = -0.1",
            "gates.1.worse_than_stable_by",
            "greater than or equal to 0",
        ),
        (
            "[[gates]]\nmetric = 'recall'\nminimum = 0.1\nworse_than_stable_by = inf",
            "gates.1.worse_than_stable_by",
            "finite",
        ),
        (
            "[[performance.floors]]\nmetric = 'recall'\nminimum = 0.1\nworse_than_stable_by = 0.1",
            "performance",
            "worse_than_stable_by goes with [[gates]]",
        ),
        (
            "[[performance.floors]]\nmetric = 'expected_calibration_error'\nmaximum = 0.1",
            "performance",
            "takes labels to tell",
        ),
        ("[[slices]]\nguarded = true", "slices.0.column", "Field required"),
        ("[[slices]]\ncolumn = 'age'\nedges = [60, 30]", "slices.0", "must rise"),
        ("[[slices]]\ncolumn = 'age'\nedges = [30, 30]", "slices.0", "must rise"),
        ("[[slices]]\ncolumn = 'age'\nedges = [inf]", "slices.0.edges.0", "finite"),
        ("[[slices]]\ncolumn = 'age'\nedges = ['30']", "slices.0.edges.0", "valid number"),
        (f"[[slices]]\ncolumn = 'age'\nedges = {list(range(20))}", "slices.0.edges", "at most 19"),
        ("[[slices]]\ncolumn = 'age'\nguarded = 1", "slices.0.guarded", "valid boolean"),
        ("[[slices]]\ncolumn = 'age'\nprofiled = 1", "slices.0.profiled", "valid boolean"),
        ("".join(f"[[slices]]\ncolumn = 'c{n}'\nprofiled = true\n" for n in range(4)), "policy", "3 of [[slices]]"),
        ("[[slices]]\ncolumn = 'age'\n" * 2, "policy", "[[slices]] names the column 'age' twice"),
        ("".join(f"[[slices]]\ncolumn = 'c{n}'\n" for n in range(11)), "slices", "at most 10"),
        ("[surprise]", "surprise", "not permitted"),
    ],
)
def test_a_refusal_names_the_field(tmp_path: Path, addition: str, field: str, why: str) -> None:
    """File, field and reason are in the message."""
    with pytest.raises(PolicyRefused) as caught:
        read(tmp_path, f"{MINIMAL}\n{addition}\n")
    assert str(caught.value).startswith(f"fraud.toml: {field}: ")
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("endpoint = ", "fraud.toml is not valid TOML"),
        ("", "endpoint: Field required; owners: Field required; gates: Field required"),
        (MINIMAL.replace('["risk@example.com"]', "[]"), "owners: "),
        (MINIMAL.replace('["risk@example.com"]', '"risk@example.com"'), "owners: "),
        (MINIMAL.replace("roc_auc", "accuracy"), "the only gate is on accuracy"),
        (
            MINIMAL.replace("roc_auc", "expected_calibration_error").replace("minimum", "maximum"),
            "the only gate is on expected_calibration_error",
        ),
        (
            MINIMAL.replace("roc_auc", "accuracy")
            + "[[gates]]\nmetric = 'expected_calibration_error'\nmaximum = 0.1\n",
            "the only gate is on accuracy and expected_calibration_error",
        ),
        (MINIMAL.replace('"fraud"', '"Fraud"'), "endpoint is 'Fraud'"),
        (MINIMAL.replace('"fraud"', '"fraud\\n"'), "endpoint is 'fraud\\n'"),
        (MINIMAL.replace('"fraud"', '"../fraud"'), "endpoint is '../fraud'"),
        (MINIMAL.replace('"fraud"', f'"{"f" * 33}"'), "use 2 to 32"),
        (MINIMAL.replace('"fraud"', '"frauds"'), "name the file frauds.toml"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """The message says what is wrong, and where it helps, what to do."""
    with pytest.raises(PolicyRefused) as caught:
        read(tmp_path, text)
    assert said in str(caught.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are no TOML."""
    path = tmp_path / "fraud.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(PolicyRefused, match="not valid TOML"):
        read_policy(path)


def test_accuracy_beside_another_gate_is_fine(tmp_path: Path) -> None:
    """It is refused only where it stands alone."""
    policy = read(tmp_path, MINIMAL + "[[gates]]\nmetric = 'accuracy'\nminimum = 0.5\n")
    assert len(policy.gates) == 2


def test_how_much_worse_than_stable_a_model_may_be_is_the_gates(tmp_path: Path) -> None:
    """Unsaid, nothing is judged by it; the store gives the same back, floors and all."""
    said = (
        "[[gates]]\nmetric = 'recall'\nminimum = 0.5\nworse_than_stable_by = 0.01\n"
        "[[performance.floors]]\nmetric = 'recall'\nminimum = 0.4\n"
    )
    policy = read(tmp_path, MINIMAL + said)
    assert [gate.worse_than_stable_by for gate in policy.gates] == [None, 0.01]
    assert parse_policy(json.loads(policy_json(policy)), source="the store") == policy


def test_slices_are_kept_as_they_were_asked_for(tmp_path: Path) -> None:
    """By each value of a column, or between edges; guarded only where that is said; the store says the same."""
    said = "[[slices]]\ncolumn = 'colour'\nguarded = true\n[[slices]]\ncolumn = 'age'\nedges = [30, 60.5]\n"
    policy = read(tmp_path, MINIMAL + said)
    assert policy.slices == (Slicing("colour", guarded=True), Slicing("age", edges=(30.0, 60.5)))
    assert parse_policy(json.loads(policy_json(policy)), source="the store") == policy


def test_the_ticks_of_a_rollout_fit_into_an_executions_history(tmp_path: Path) -> None:
    """A tick makes nine events of the 25,000 that one execution may have."""
    longest = read(tmp_path, MINIMAL + "[rollout]\ntick_seconds = 60\nhorizon_seconds = 120000\n")
    plan = longest.rollout
    assert 9 * plan.horizon_seconds / plan.tick_seconds < 25_000
    with pytest.raises(PolicyRefused):
        read(tmp_path, MINIMAL + "[rollout]\ntick_seconds = 60\nhorizon_seconds = 120060\n")


def test_a_parsed_document_that_is_no_object_is_refused() -> None:
    """The source is named."""
    with pytest.raises(PolicyRefused, match="the store: policy: "):
        parse_policy([], source="the store")


def test_what_the_log_may_hold_is_the_policys(tmp_path: Path) -> None:
    """A sample of the inputs, nothing personal, the column that labels join on; the parameter says the same."""
    said = "[serving]\nlog_inputs = 'sample'\nlog_share = 0.25\npersonal = ['name']\n[labels]\nid_column = 'order'\n"
    policy = read(tmp_path, MINIMAL + said)
    assert (policy.serving.log_inputs, policy.serving.log_share) == (LogInputs.SAMPLE, 0.25)
    assert policy.serving.personal == ("name",)
    assert policy.labels.id_column == "order"
    assert parse_policy(json.loads(policy_json(policy)), source="parameter") == policy


def test_a_sample_of_the_inputs_is_enough_to_retrain_on(tmp_path: Path) -> None:
    """It takes longer to have enough rows."""
    said = "[retraining]\n[serving]\nlog_inputs = 'sample'\nlog_share = 0.25\n"
    assert read(tmp_path, MINIMAL + said).retraining is not None


def test_a_shadow_is_kept_as_it_was_asked_for(tmp_path: Path) -> None:
    """Unsaid it stays unsaid, so that what the log holds decides; the store gives the same back."""
    unsaid = read(tmp_path, MINIMAL)
    asked = read(tmp_path, MINIMAL + "[rollout.shadow]\nrequests = 50\nminimum_agreement = 0.95\n")
    left_out = read(tmp_path, MINIMAL + "[rollout.shadow]\nrequests = 0\n[serving]\nlog_inputs = 'none'\n")
    assert (unsaid.rollout.shadow, unsaid.shadow) == (None, ShadowPlan())
    assert asked.shadow == ShadowPlan(requests=50, minimum_agreement=0.95)
    assert left_out.shadow is None
    for policy in (unsaid, asked, left_out):
        assert parse_policy(json.loads(policy_json(policy)), source="the store") == policy


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[rollout.shadow]\n[serving]\nlog_inputs = 'none'\n", "a shadow needs every input of the log"),
        ("[rollout.shadow]\n[serving]\npersonal = ['name']\n", "serving.personal keeps 'name' out of it"),
        ("[rollout.shadow]\nhorizon_seconds = 86200\n", "the steps alone take 300 of horizon_seconds = 86400"),
        ("[rollout.shadow]\nrequests = -1\n", "rollout.shadow.requests"),
        ("[rollout.shadow]\nminimum_agreement = 1.5\n", "rollout.shadow.minimum_agreement"),
        ("[rollout.shadow]\nsample = 3\n", "rollout.shadow.sample"),
    ],
)
def test_a_shadow_that_cannot_be_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """With what is in its way."""
    with pytest.raises(PolicyRefused, match=re.escape(said)):
        read(tmp_path, MINIMAL + text)


def test_alarms_are_bounded_and_topics_are_arns(tmp_path: Path) -> None:
    """A typing error in a topic would be an alarm that nobody hears."""
    topic = "arn:aws:sns:eu-west-1:123456789012:on-call"
    policy = read(tmp_path, MINIMAL + f'\n[alarms]\nlatency_p95_ms = 50\ntopics = ["{topic}"]\n')
    assert policy.alarms == AlarmLimits(failing_share_percent=5.0, latency_p95_ms=50.0, topics=(topic,))
    for wrong, field in [
        ('topics = ["on-call"]', "alarms.topics"),
        ("failing_share_percent = 0", "alarms.failing_share_percent"),
        ("latency_p95_ms = 0", "alarms.latency_p95_ms"),
        ("latency_p99_ms = 5", "alarms.latency_p99_ms"),
    ]:
        with pytest.raises(PolicyRefused, match=re.escape(field)):
            read(tmp_path, MINIMAL + f"\n[alarms]\n{wrong}\n")
