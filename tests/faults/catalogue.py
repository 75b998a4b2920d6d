"""Every fault that the suite knows."""

from dataclasses import dataclass

from tests.faults.breaks import (
    LONG_OUTAGE_S,
    QUICK_OUTAGE_S,
    Break,
    clock_step,
    disk_full,
    everything_stopped,
    flapping_camera,
    frozen,
    halting,
    kafka_refuses_writes,
    killed,
    killed_again_and_again,
    killed_before_commit,
    killed_while_it_gathers,
    model_order,
    oversized,
    poison,
    s3_being,
    second_member_comes_and_goes,
    stub_killed,
    supervisor_killed,
    triton_being,
)


@dataclass(frozen=True)
class Fault:
    """`broken` is the part; `is_quick` ones run in `make test`."""

    name: str
    broken: str
    make: Break
    is_quick: bool = False


FAULTS = (
    Fault("producer killed", "producer", killed("producer"), is_quick=True),
    Fault(
        "consumer killed in the middle of a batch",
        "consumer",
        killed_while_it_gathers,
        is_quick=True,
    ),
    Fault(
        "consumer killed between produce and commit",
        "consumer",
        killed_before_commit("consumer"),
        is_quick=True,
    ),
    Fault(
        "consumer killed three times in a row", "consumer", killed_again_and_again("consumer", 3)
    ),
    Fault("postproc killed", "postproc", killed("postproc"), is_quick=True),
    Fault(
        "postproc killed between upload and commit",
        "postproc",
        killed_before_commit("postproc"),
        is_quick=True,
    ),
    Fault("Kafka killed", "Kafka", killed("kafka"), is_quick=True),
    Fault("Triton killed", "Triton", killed("triton"), is_quick=True),
    Fault("one of Triton's model processes killed", "Triton", stub_killed),
    Fault("S3 killed", "S3", killed("seaweedfs"), is_quick=True),
    Fault("RTSP server killed", "MediaMTX", killed("mediamtx"), is_quick=True),
    Fault("camera killed", "camera", killed("camera-cam1"), is_quick=True),
    Fault("producer frozen for 12 s", "producer", frozen("producer", LONG_OUTAGE_S)),
    Fault("consumer frozen for 12 s", "consumer", frozen("consumer", LONG_OUTAGE_S)),
    Fault("postproc frozen for 12 s", "postproc", frozen("postproc", LONG_OUTAGE_S)),
    Fault("Kafka frozen for 12 s", "Kafka", frozen("kafka", LONG_OUTAGE_S)),
    Fault("Kafka frozen for 45 s", "Kafka", frozen("kafka", 45)),
    Fault("Triton frozen for 12 s", "Triton", frozen("triton", LONG_OUTAGE_S)),
    Fault("S3 frozen for 25 s", "S3", frozen("seaweedfs", 25)),
    Fault("RTSP server frozen for 12 s", "MediaMTX", frozen("mediamtx", LONG_OUTAGE_S)),
    Fault("camera frozen for 12 s", "camera", frozen("camera-cam1", LONG_OUTAGE_S)),
    Fault("Kafka answers a tenth of the time", "Kafka", halting("kafka", 15)),
    Fault("Triton answers a tenth of the time", "Triton", halting("triton", 15)),
    Fault("Kafka refuses writes", "Kafka", kafka_refuses_writes, is_quick=True),
    Fault("Kafka's disk is full", "Kafka", disk_full("kafka", QUICK_OUTAGE_S)),
    Fault("S3 answers slowly", "S3", s3_being("slow", QUICK_OUTAGE_S)),
    Fault("S3 does not answer", "S3", s3_being("silent", LONG_OUTAGE_S)),
    Fault("S3 refuses connections", "S3", s3_being("refuse", QUICK_OUTAGE_S)),
    Fault("S3 breaks off its answers", "S3", s3_being("cut", QUICK_OUTAGE_S)),
    Fault("S3 answers 503", "S3", s3_being("unavailable", QUICK_OUTAGE_S), is_quick=True),
    Fault("S3 forbids writing", "S3", s3_being("forbidden", QUICK_OUTAGE_S)),
    Fault("S3's disk is full", "S3", disk_full("seaweedfs", QUICK_OUTAGE_S)),
    Fault("Triton reloads its model", "Triton", model_order("load")),
    Fault("Triton has unloaded its model", "Triton", model_order("unload", "load"), is_quick=True),
    Fault("Triton refuses connections", "Triton", triton_being("refuse", QUICK_OUTAGE_S)),
    Fault("Triton breaks off its answers", "Triton", triton_being("cut", QUICK_OUTAGE_S)),
    Fault("Triton does not answer", "Triton", triton_being("silent", LONG_OUTAGE_S)),
    Fault(
        "a second consumer joins and leaves three times",
        "consumer",
        second_member_comes_and_goes("consumer"),
    ),
    Fault(
        "a second postproc joins and leaves three times",
        "postproc",
        second_member_comes_and_goes("postproc"),
    ),
    Fault("producer's clock an hour ahead", "clock", clock_step("producer", 3600)),
    Fault("producer's clock an hour behind", "clock", clock_step("producer", -3600)),
    Fault("consumer's clock an hour behind", "clock", clock_step("consumer", -3600)),
    Fault("camera flaps every 2 s", "camera", flapping_camera),
    Fault("300 poison records", "records", poison, is_quick=True),
    Fault("oversized frames", "records", oversized),
    Fault("SIGTERM to everything at once", "everything", everything_stopped, is_quick=True),
    Fault("the supervisor killed", "everything", supervisor_killed),
)
