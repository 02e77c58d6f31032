import uuid

import django.core.serializers.json
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

# --- work is counted as it happens

# A day by the project's calendar. A name that PostgreSQL does not know must never cost anybody their work.
DAY = """
CREATE FUNCTION labeling_day(moment timestamptz, zone text) RETURNS date LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (moment AT TIME ZONE zone)::date;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN (moment AT TIME ZONE 'UTC')::date;
END $$
"""

# Whoever changes the project's time zone locks its row: until then, and after that, these days are the right ones.
BOOK_WORK = """
CREATE FUNCTION labeling_book_work(
    of_assignment bigint, moment timestamptz, more_submissions int, more_timed int, more_seconds bigint,
    more_accepted int, more_returned int
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    place record;
BEGIN
    SELECT task.project_id, seat.user_id, task.kind, task.purpose, labeling_day(moment, project.time_zone) AS day
    INTO STRICT place
    FROM labeling_assignment AS seat
    JOIN labeling_task AS task ON task.id = seat.task_id
    JOIN labeling_project AS project ON project.id = task.project_id
    WHERE seat.id = of_assignment
    FOR KEY SHARE OF project;
    UPDATE labeling_dailywork AS work
    SET submissions = work.submissions + more_submissions,
        timed = work.timed + more_timed,
        active_seconds = work.active_seconds + more_seconds,
        accepted = work.accepted + more_accepted,
        returned = work.returned + more_returned
    WHERE work.project_id = place.project_id AND work.day = place.day AND work.user_id = place.user_id
      AND work.kind = place.kind AND work.purpose = place.purpose;
    IF NOT FOUND THEN
        INSERT INTO labeling_dailywork AS work (
            project_id, day, user_id, kind, purpose, submissions, timed, active_seconds, accepted, returned
        ) VALUES (
            place.project_id, place.day, place.user_id, place.kind, place.purpose,
            more_submissions, more_timed, more_seconds, more_accepted, more_returned
        ) ON CONFLICT (project_id, day, user_id, kind, purpose) DO UPDATE
        SET submissions = work.submissions + EXCLUDED.submissions,
            timed = work.timed + EXCLUDED.timed,
            active_seconds = work.active_seconds + EXCLUDED.active_seconds,
            accepted = work.accepted + EXCLUDED.accepted,
            returned = work.returned + EXCLUDED.returned;
    END IF;
END $$
"""

# The task is locked, so that its state is the same here and when the submission is committed.
SUBMISSION_IS_COUNTED = """
CREATE FUNCTION labeling_submission_is_counted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_newest boolean;
    former record;
    stage record;
BEGIN
    SELECT NOT EXISTS (
        SELECT FROM labeling_submission AS newer
        WHERE newer.assignment_id = NEW.assignment_id AND newer.revision > NEW.revision
    ) INTO is_newest;
    IF TG_OP = 'UPDATE' THEN
        PERFORM labeling_book_work(
            OLD.assignment_id, OLD.created_at, -(OLD.revision = 1)::int,
            -(OLD.revision = 1 AND OLD.active_seconds IS NOT NULL)::int, -COALESCE(OLD.active_seconds, 0)::bigint,
            -(is_newest AND OLD.review_state = 'accepted')::int, -(is_newest AND OLD.review_state = 'returned')::int
        );
    END IF;
    PERFORM labeling_book_work(
        NEW.assignment_id, NEW.created_at, (NEW.revision = 1)::int,
        (NEW.revision = 1 AND NEW.active_seconds IS NOT NULL)::int, COALESCE(NEW.active_seconds, 0)::bigint,
        (is_newest AND NEW.review_state = 'accepted')::int, (is_newest AND NEW.review_state = 'returned')::int
    );
    IF TG_OP = 'INSERT' AND NEW.revision > 1 AND is_newest THEN
        SELECT * INTO former FROM labeling_submission AS older
        WHERE older.assignment_id = NEW.assignment_id AND older.revision < NEW.revision
        ORDER BY older.revision DESC LIMIT 1;
        IF former.review_state <> 'not_reviewed' THEN
            PERFORM labeling_book_work(
                former.assignment_id, former.created_at, 0, 0, 0,
                -(former.review_state = 'accepted')::int, -(former.review_state = 'returned')::int
            );
        END IF;
    END IF;
    IF TG_OP = 'INSERT' AND NEW.revision = 1 THEN
        SELECT task.project_id, prompt.language, prompt.category, task.kind, task.purpose, task.status
        INTO STRICT stage
        FROM labeling_assignment AS seat
        JOIN labeling_task AS task ON task.id = seat.task_id
        JOIN labeling_prompt AS prompt ON prompt.id = task.prompt_id
        WHERE seat.id = NEW.assignment_id
        FOR NO KEY UPDATE OF task;
        INSERT INTO labeling_stagecount (project_id, language, category, kind, purpose, status, judgments)
        VALUES (
            stage.project_id, stage.language, stage.category, stage.kind, stage.purpose, stage.status, 1
        );
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER submission_is_counted AFTER INSERT ON labeling_submission
FOR EACH ROW EXECUTE FUNCTION labeling_submission_is_counted();
CREATE TRIGGER submission_is_recounted AFTER UPDATE ON labeling_submission
FOR EACH ROW WHEN (
    OLD.review_state IS DISTINCT FROM NEW.review_state
    OR OLD.active_seconds IS DISTINCT FROM NEW.active_seconds
    OR OLD.created_at IS DISTINCT FROM NEW.created_at
) EXECUTE FUNCTION labeling_submission_is_counted()
"""

# Seats are taken far more often than states change: the WHEN keeps the claim free of any of this.
TASKS_ARE_COUNTED = """
CREATE FUNCTION labeling_tasks_are_counted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    one int := CASE TG_OP WHEN 'DELETE' THEN -1 ELSE 1 END;
BEGIN
    INSERT INTO labeling_stagecount (project_id, language, category, kind, purpose, status, tasks, seats)
    SELECT task.project_id, prompt.language, prompt.category, task.kind, task.purpose, task.status,
           one * count(*), one * sum(task.seats_wanted)
    FROM changed AS task JOIN labeling_prompt AS prompt ON prompt.id = task.prompt_id
    GROUP BY 1, 2, 3, 4, 5, 6;
    RETURN NULL;
END $$;
CREATE TRIGGER tasks_are_counted AFTER INSERT ON labeling_task
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION labeling_tasks_are_counted();
CREATE TRIGGER deleted_tasks_are_counted AFTER DELETE ON labeling_task
REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION labeling_tasks_are_counted();

CREATE FUNCTION labeling_task_is_recounted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    judged bigint;
BEGIN
    SELECT count(*) INTO judged FROM labeling_assignment AS seat
    JOIN labeling_submission AS submission ON submission.assignment_id = seat.id AND submission.revision = 1
    WHERE seat.task_id = NEW.id;
    INSERT INTO labeling_stagecount (
        project_id, language, category, kind, purpose, status, tasks, seats, judgments
    )
    SELECT NEW.project_id, prompt.language, prompt.category, NEW.kind,
           change.purpose, change.status, change.tasks, change.seats, change.judgments
    FROM labeling_prompt AS prompt CROSS JOIN (
        VALUES (OLD.purpose, OLD.status, -1, -OLD.seats_wanted::int, -judged),
               (NEW.purpose, NEW.status, 1, NEW.seats_wanted::int, judged)
    ) AS change (purpose, status, tasks, seats, judgments)
    WHERE prompt.id = NEW.prompt_id;
    RETURN NULL;
END $$;
CREATE TRIGGER task_is_recounted AFTER UPDATE ON labeling_task
FOR EACH ROW WHEN (
    (OLD.status, OLD.seats_wanted, OLD.purpose) IS DISTINCT FROM (NEW.status, NEW.seats_wanted, NEW.purpose)
) EXECUTE FUNCTION labeling_task_is_recounted()
"""

PROMPTS_ARE_COUNTED = """
CREATE FUNCTION labeling_prompts_are_counted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    one int := CASE TG_OP WHEN 'DELETE' THEN -1 ELSE 1 END;
BEGIN
    INSERT INTO labeling_stagecount (project_id, language, category, prompts)
    SELECT project_id, language, category, one * count(*) FROM changed GROUP BY 1, 2, 3;
    RETURN NULL;
END $$;
CREATE TRIGGER prompts_are_counted AFTER INSERT ON labeling_prompt
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION labeling_prompts_are_counted();
CREATE TRIGGER deleted_prompts_are_counted AFTER DELETE ON labeling_prompt
REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION labeling_prompts_are_counted();

CREATE FUNCTION labeling_prompt_is_recounted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO labeling_stagecount (
        project_id, language, category, kind, purpose, status, prompts, tasks, seats, judgments
    )
    SELECT NEW.project_id, move.language, move.category, part.kind, part.purpose, part.status,
           move.one * part.prompts, move.one * part.tasks, move.one * part.seats, move.one * part.judgments
    FROM (
        VALUES (OLD.language, OLD.category, -1), (NEW.language, NEW.category, 1)
    ) AS move (language, category, one)
    CROSS JOIN (
        SELECT '' AS kind, '' AS purpose, '' AS status, 1 AS prompts, 0 AS tasks, 0 AS seats, 0 AS judgments
        UNION ALL
        SELECT task.kind, task.purpose, task.status, 0, 1, task.seats_wanted, (
            SELECT count(*) FROM labeling_assignment AS seat
            JOIN labeling_submission AS submission
              ON submission.assignment_id = seat.id AND submission.revision = 1
            WHERE seat.task_id = task.id
        )
        FROM labeling_task AS task WHERE task.prompt_id = NEW.id
    ) AS part;
    RETURN NULL;
END $$;
CREATE TRIGGER prompt_is_recounted AFTER UPDATE ON labeling_prompt
FOR EACH ROW WHEN (
    OLD.language IS DISTINCT FROM NEW.language OR OLD.category IS DISTINCT FROM NEW.category
) EXECUTE FUNCTION labeling_prompt_is_recounted()
"""

# The same counts out of the record itself, for the first filling and for `manage.py check_counts`.
COUNTED_ANEW = """
CREATE FUNCTION labeling_work_counted_anew(of_project bigint) RETURNS TABLE (
    day date, user_id bigint, kind varchar, purpose varchar,
    submissions bigint, timed bigint, active_seconds bigint, accepted bigint, returned bigint
) LANGUAGE sql STABLE AS $$
    SELECT labeling_day(submission.created_at, project.time_zone), seat.user_id, task.kind, task.purpose,
           count(*) FILTER (WHERE submission.revision = 1),
           count(*) FILTER (WHERE submission.revision = 1 AND submission.active_seconds IS NOT NULL),
           COALESCE(sum(submission.active_seconds), 0)::bigint,
           count(*) FILTER (WHERE newer.id IS NULL AND submission.review_state = 'accepted'),
           count(*) FILTER (WHERE newer.id IS NULL AND submission.review_state = 'returned')
    FROM labeling_submission AS submission
    LEFT JOIN labeling_submission AS newer
      ON newer.assignment_id = submission.assignment_id AND newer.revision = submission.revision + 1
    JOIN labeling_assignment AS seat ON seat.id = submission.assignment_id
    JOIN labeling_task AS task ON task.id = seat.task_id
    JOIN labeling_project AS project ON project.id = task.project_id
    WHERE task.project_id = of_project
    GROUP BY 1, 2, 3, 4
$$;
CREATE FUNCTION labeling_stages_counted_anew(of_project bigint) RETURNS TABLE (
    language varchar, category varchar, kind varchar, purpose varchar, status varchar,
    prompts bigint, tasks bigint, seats bigint, judgments bigint
) LANGUAGE sql STABLE AS $$
    SELECT part.language, part.category, part.kind, part.purpose, part.status,
           sum(part.prompts)::bigint, sum(part.tasks)::bigint, sum(part.seats)::bigint, sum(part.judgments)::bigint
    FROM (
        SELECT prompt.language, prompt.category, ''::varchar AS kind, ''::varchar AS purpose,
               ''::varchar AS status, count(*) AS prompts, 0 AS tasks, 0 AS seats, 0 AS judgments
        FROM labeling_prompt AS prompt WHERE prompt.project_id = of_project GROUP BY 1, 2
        UNION ALL
        SELECT prompt.language, prompt.category, task.kind, task.purpose, task.status,
               0, count(*), sum(task.seats_wanted), 0
        FROM labeling_task AS task JOIN labeling_prompt AS prompt ON prompt.id = task.prompt_id
        WHERE task.project_id = of_project GROUP BY 1, 2, 3, 4, 5
        UNION ALL
        SELECT prompt.language, prompt.category, task.kind, task.purpose, task.status, 0, 0, 0, count(*)
        FROM labeling_submission AS submission
        JOIN labeling_assignment AS seat ON seat.id = submission.assignment_id
        JOIN labeling_task AS task ON task.id = seat.task_id
        JOIN labeling_prompt AS prompt ON prompt.id = task.prompt_id
        WHERE task.project_id = of_project AND submission.revision = 1 GROUP BY 1, 2, 3, 4, 5
    ) AS part
    GROUP BY 1, 2, 3, 4, 5
$$
"""
FILL = """
INSERT INTO labeling_dailywork (
    project_id, day, user_id, kind, purpose, submissions, timed, active_seconds, accepted, returned
) SELECT project.id, work.* FROM labeling_project AS project
  CROSS JOIN LATERAL labeling_work_counted_anew(project.id) AS work;
INSERT INTO labeling_stagecount (
    project_id, language, category, kind, purpose, status, prompts, tasks, seats, judgments
) SELECT project.id, stage.* FROM labeling_project AS project
  CROSS JOIN LATERAL labeling_stages_counted_anew(project.id) AS stage;
SET CONSTRAINTS ALL IMMEDIATE
"""
UNCOUNTED = """
DROP FUNCTION labeling_stages_counted_anew(bigint);
DROP FUNCTION labeling_work_counted_anew(bigint);
DROP FUNCTION labeling_prompt_is_recounted() CASCADE;
DROP FUNCTION labeling_prompts_are_counted() CASCADE;
DROP FUNCTION labeling_task_is_recounted() CASCADE;
DROP FUNCTION labeling_tasks_are_counted() CASCADE;
DROP FUNCTION labeling_submission_is_counted() CASCADE;
DROP FUNCTION labeling_book_work(bigint, timestamptz, int, int, bigint, int, int);
DROP FUNCTION labeling_day(timestamptz, text)
"""

# --- what was done stays on record

AUDIT_STAYS = """
CREATE FUNCTION labeling_audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit events are never changed or deleted';
END $$;
CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE ON labeling_auditevent
FOR EACH ROW EXECUTE FUNCTION labeling_audit_stays()
"""
AUDIT_GOES = "DROP FUNCTION labeling_audit_stays() CASCADE"


class Migration(migrations.Migration):
    dependencies = [
        ("labeling", "0014_who_may_judge_sets_known_answers_pauses"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("action", models.CharField(max_length=40)),
                ("object_type", models.CharField(blank=True, max_length=40)),
                ("object_id", models.UUIDField(null=True)),
                (
                    "data",
                    models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder),
                ),
            ],
        ),
        migrations.CreateModel(
            name="BulkChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "target",
                    models.CharField(choices=[("tasks", "Tasks"), ("prompts", "Prompts")], max_length=8),
                ),
                ("action", models.CharField(max_length=40)),
                ("options", models.JSONField(default=dict)),
                ("selection", models.JSONField(default=dict)),
                ("below", models.BigIntegerField()),
                ("total", models.PositiveIntegerField()),
                ("done", models.PositiveIntegerField(default=0)),
                ("changed", models.PositiveIntegerField(default=0)),
                ("finished_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="DailyWork",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("kind", models.CharField(max_length=16)),
                ("purpose", models.CharField(max_length=16)),
                ("submissions", models.PositiveIntegerField(db_default=0, default=0)),
                ("timed", models.PositiveIntegerField(db_default=0, default=0)),
                ("active_seconds", models.PositiveBigIntegerField(db_default=0, default=0)),
                ("accepted", models.PositiveIntegerField(db_default=0, default=0)),
                ("returned", models.PositiveIntegerField(db_default=0, default=0)),
            ],
        ),
        migrations.CreateModel(
            name="StageCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("language", models.CharField(max_length=16)),
                ("category", models.CharField(max_length=16)),
                ("kind", models.CharField(blank=True, db_default="", max_length=16)),
                ("purpose", models.CharField(blank=True, db_default="", max_length=16)),
                ("status", models.CharField(blank=True, db_default="", max_length=16)),
                ("prompts", models.BigIntegerField(db_default=0, default=0)),
                ("tasks", models.BigIntegerField(db_default=0, default=0)),
                ("seats", models.BigIntegerField(db_default=0, default=0)),
                ("judgments", models.BigIntegerField(db_default=0, default=0)),
            ],
        ),
        migrations.AddIndex(
            model_name="prompt",
            index=models.Index(fields=["project", "-id"], name="prompt_newest_first"),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(
                condition=models.Q(("kind", "rank"), ("seats_taken__gte", 2)),
                fields=["project", "-id"],
                name="task_judged_by_several",
            ),
        ),
        migrations.AddField(
            model_name="auditevent",
            name="actor",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="audit_events",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="auditevent",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="audit_events",
                to="labeling.project",
            ),
        ),
        migrations.AddField(
            model_name="bulkchange",
            name="actor",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="bulkchange",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="bulk_changes",
                to="labeling.project",
            ),
        ),
        migrations.AddField(
            model_name="dailywork",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="daily_work",
                to="labeling.project",
            ),
        ),
        migrations.AddField(
            model_name="dailywork",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="daily_work",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="stagecount",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="labeling.project"
            ),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["project", "-id"], name="audit_newest_first"),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["project", "actor", "-id"], name="audit_by_actor"),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["project", "action", "-id"], name="audit_by_action"),
        ),
        migrations.AddConstraint(
            model_name="bulkchange",
            constraint=models.CheckConstraint(
                condition=models.Q(("changed__lte", models.F("done"))), name="bulk_change_counts"
            ),
        ),
        migrations.AddConstraint(
            model_name="dailywork",
            constraint=models.UniqueConstraint(
                fields=("project", "day", "user", "kind", "purpose"), name="daily_work_one_row_a_day"
            ),
        ),
        *(
            migrations.RunSQL(sql, migrations.RunSQL.noop)
            for sql in (
                DAY,
                BOOK_WORK,
                SUBMISSION_IS_COUNTED,
                TASKS_ARE_COUNTED,
                PROMPTS_ARE_COUNTED,
                COUNTED_ANEW,
                FILL,
            )
        ),
        migrations.RunSQL(migrations.RunSQL.noop, UNCOUNTED),
        migrations.RunSQL(AUDIT_STAYS, AUDIT_GOES),
    ]
