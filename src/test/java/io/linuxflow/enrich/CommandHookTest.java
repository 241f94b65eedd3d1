// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.linuxflow.camel.TestFlows;
import io.linuxflow.flow.Column;
import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.json.FlowReader;
import io.linuxflow.json.JsonShape;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs real programs: sh, sed, and jq for hooks as users write them. */
class CommandHookTest {

    private static final String ADD_N = "sed 's/}/,\"n\":1}/g'";

    @TempDir private Path directory;

    private static CommandHook shell(String script) {
        CommandHook hook = new CommandHook();
        hook.setShell(script);
        return hook;
    }

    private static CommandHook command(String command) {
        CommandHook hook = new CommandHook();
        hook.setCommand(command);
        return hook;
    }

    private Path executable(String name, String script) throws IOException {
        Path file = directory.resolve(name);
        Files.writeString(file, script);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
        return file;
    }

    private static String text(FlowBatch batch, String column, int flow) {
        return new String(batch.column(column).value(flow), StandardCharsets.UTF_8);
    }

    private static void assertThatTheBatchGoesOnAsItWas(CommandHook hook) {
        FlowBatch batch = TestFlows.tcp(3, 1000);

        assertThat(hook.enrich(batch)).isSameAs(batch);
        assertThat(hook.runs()).isEqualTo(1);
        assertThat(hook.failures()).isEqualTo(1);
        assertThat(hook.failedFlows()).isEqualTo(3);
        assertThat(hook.droppedFlows()).isZero();
    }

    /** What is said of its failure. */
    private static String failure(CommandHook hook) {
        try {
            HookProcess.run(
                    hook.program(),
                    new FlowReader(hook.getShape(), TestFlows.tcp(3, 1000)),
                    3,
                    hook.getTimeout());
        } catch (HookException e) {
            return e.getMessage();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        throw new AssertionError("it does not fail");
    }

    @Test
    void jqAddsMembers() {
        CommandHook hook =
                shell(
                        """
                        #!/bin/sh
                        jq '[.[] | . + {
                            foo1:"foo1",
                            foo2:"foo2"
                            }]'
                        """);
        FlowBatch batch = TestFlows.ofEachKind();

        FlowBatch flows = hook.enrich(batch);

        assertThat(hook.failures()).isZero();
        assertThat(flows.records()).isSameAs(batch.records());
        assertThat(flows.columns()).extracting(Column::name).containsExactly("foo1", "foo2");
        assertThat(text(flows, "foo2", 3)).isEqualTo("foo2");
        assertThat(hook.nanos()).isPositive();
    }

    @Test
    void aCommandMayHaveArguments() throws IOException {
        Path program = executable("add", "#!/bin/sh\nsed \"s/}/,\\\"$1\\\":\\\"$2\\\"}/g\"\n");

        FlowBatch flows = command(program + "  host r1").enrich(TestFlows.tcp(2, 1000));

        assertThat(text(flows, "host", 1)).isEqualTo("r1");
    }

    @Test
    void aPathMayContainBlanks() throws IOException {
        Path program = executable("a hook", "#!/bin/sh\n" + ADD_N + "\n");

        assertThat(command(program.toString()).enrich(TestFlows.tcp(2, 1000)).column("n"))
                .isNotNull();
    }

    @Test
    void aScriptNamesItsInterpreterOrIsOneOfTheShell() throws IOException {
        assertThat(shell(ADD_N).enrich(TestFlows.tcp(1, 1)).column("n")).isNotNull();
        assertThat(
                        shell("#!/bin/sed -f\ns/}/,\"n\":1}/g\n")
                                .enrich(TestFlows.tcp(1, 1))
                                .column("n"))
                .isNotNull();
    }

    @Test
    void theFileOfAScriptIsItsOwnersAndGoneAfterwards() throws Exception {
        Path seen = directory.resolve("seen");
        CommandHook hook = shell("#!/bin/sh\nls -l $0 >" + seen + "; cat\n");
        hook.enrich(TestFlows.tcp(1, 1));

        assertThat(hook.failures()).isZero();
        String[] listed = Files.readString(seen).strip().split(" ");
        assertThat(listed[0]).startsWith("-rw-------");
        assertThat(Path.of(listed[listed.length - 1])).doesNotExist();
    }

    @Test
    void theMembersHaveTheNamesOfTheShape() {
        CommandHook hook = shell("grep -q octetDeltaCount && echo '[]'");
        hook.setShape(JsonShape.ELEMENTS);
        assertThat(hook.enrich(TestFlows.tcp(3, 1)).size()).isZero();
        assertThat(hook.droppedFlows()).isEqualTo(3);

        assertThat(shell("grep -q dport && echo '[]'").enrich(TestFlows.tcp(3, 1)).size()).isZero();
    }

    @Test
    void aBatchOfTheMostFlowsGoesThroughThePipes() {
        FlowBatch batch = TestFlows.tcp(131072, 0);
        CommandHook hook = shell("sed 's/\"pkts\":/\"zone\":\"a zone\",\"pkts\":/g'");
        hook.setTimeout(Duration.ofSeconds(60));

        FlowBatch flows = hook.enrich(batch);

        assertThat(hook.failures()).isZero();
        assertThat(flows.packets()).isEqualTo(batch.packets());
        assertThat(text(flows, "zone", 131071)).isEqualTo("a zone");
    }

    /** Neither its output nor its complaints wait for its input to be read. */
    @Test
    void allPipesAreWorkedOnAtTheSameTime() {
        CommandHook hook = shell("seq 1 100000 >&2; head -c 200000 /dev/zero | tr '\\0' ' '; cat");

        hook.enrich(TestFlows.tcp(10000, 0));

        assertThat(hook.failures()).isZero();
    }

    @Test
    void aProgramThatFailsIsHeard() {
        CommandHook hook = shell("cat; echo one >&2; echo out of order >&2; exit 3");

        assertThatTheBatchGoesOnAsItWas(hook);
        assertThat(failure(hook)).isEqualTo("it ended with status 3; it wrote: one / out of order");
    }

    @Test
    void ofLongComplaintsTheEndIsKept() {
        assertThat(failure(shell("seq 1 1000000 >&2; exit 1")))
                .endsWith("it wrote: 999996 / 999997 / 999998 / 999999 / 1000000");
    }

    @Test
    void whatIsNoArrayOfFlowsIsAFailure() {
        CommandHook hook = shell("jq '.[]'");
        assertThatTheBatchGoesOnAsItWas(hook);
        assertThat(failure(hook))
                .isEqualTo(
                        "what it returned is wrong: it is no JSON array: it begins with an object");
        assertThat(failure(shell("sed 's/\"pkts\":[0-9]*/\"pkts\":-1/g'")))
                .startsWith("what it returned is wrong: flow 0, member \"pkts\": -1 is no whole");
        assertThat(failure(shell("true"))).endsWith("it is empty, and no JSON array");
        assertThat(failure(shell("cat >/dev/null; head -c 3000000 /dev/zero | tr '\\0' ' '")))
                .isEqualTo("what it returned is wrong: it is more than 1060864 octets");
    }

    @Test
    void aProgramThatIsNotThereIsAFailure() throws IOException {
        assertThatTheBatchGoesOnAsItWas(command("/no/such/program"));
        assertThat(failure(command("/no/such/program"))).isEqualTo("there is no /no/such/program");
        Path file = Files.writeString(directory.resolve("plain"), "");
        assertThat(failure(command(file.toString())))
                .isEqualTo(file + " is not executable: chmod +x " + file);
        assertThat(failure(command("nosuchprogram --x"))).contains("nosuchprogram");
        assertThat(failure(shell("#!/no/such/shell\n"))).contains("/no/such/shell");
    }

    @Test
    void aProgramThatDoesNotReadIsNoFailure() {
        assertThat(shell("echo '[]'").enrich(TestFlows.tcp(131072, 0)).size()).isZero();
    }

    @Test
    void aProgramThatHangsIsKilledWithAllThatItStarted() throws Exception {
        Path pids = directory.resolve("pids");
        CommandHook hook =
                shell(
                        """
                        sleep 1000 & echo $! >>%s
                        (sleep 1001 & echo $! >>%s)
                        echo $$ >>%s
                        cat >/dev/null; sleep 1002
                        """
                                .formatted(pids, pids, pids));
        hook.setTimeout(Duration.ofSeconds(1));

        assertThatTheBatchGoesOnAsItWas(hook);

        List<String> started = Files.readAllLines(pids);
        assertThat(started).hasSize(3);
        await().until(() -> started.stream().noneMatch(pid -> isRunning(Long.parseLong(pid))));
        assertThat(failure(hook)).isEqualTo("it did not end within 1000 ms and was killed");
    }

    private static boolean isRunning(long pid) {
        try {
            return !Files.readString(Path.of("/proc/" + pid + "/stat")).contains(") Z ");
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void anInterruptKillsItAndLosesNoFlow() throws Exception {
        Path pid = directory.resolve("pid");
        CommandHook hook = shell("echo $$ >" + pid + "; exec sleep 1000");
        FlowBatch batch = TestFlows.tcp(3, 1000);
        AtomicReference<FlowBatch> result = new AtomicReference<>();
        AtomicBoolean interrupted = new AtomicBoolean();
        Thread thread =
                new Thread(
                        () -> {
                            result.set(hook.enrich(batch));
                            interrupted.set(Thread.currentThread().isInterrupted());
                        });
        thread.start();
        await().until(() -> Files.exists(pid) && Files.size(pid) > 1);

        thread.interrupt();
        thread.join(5000);

        assertThat(result.get()).isSameAs(batch);
        assertThat(interrupted).isTrue();
        long started = Long.parseLong(Files.readString(pid).strip());
        await().until(() -> !isRunning(started));
    }

    @Test
    void routesThatAskTheSameOfABatchShareOneRun() {
        CommandHook hook = shell(ADD_N);
        CommandHook same = shell(ADD_N);
        FlowBatch batch = TestFlows.tcp(2, 1000);

        FlowBatch flows = hook.enrich(batch);

        assertThat(hook.enrich(batch)).isSameAs(flows);
        assertThat(same.enrich(batch)).isSameAs(flows);
        assertThat(hook.runs()).isEqualTo(1);
        assertThat(same.runs()).isZero();

        // Whoever sees more columns may say something else.
        hook.enrich(flows);
        assertThat(hook.runs()).isEqualTo(2);
    }

    @Test
    void severalHooksWorkOneAfterTheOther() {
        FlowBatch flows = shell("jq 'map(.pkts = 100 | .a = 1)'").enrich(TestFlows.ofEachKind());
        flows = shell("jq 'map(select(.proto == 6) | .b = .a + .pkts)'").enrich(flows);

        assertThat(flows.size()).isEqualTo(2);
        assertThat(flows).extracting(Flow::packetDeltaCount).containsOnly(100L);
        assertThat(text(flows, "b", 1)).isEqualTo("101");
    }

    @Test
    void withoutAProgramItDoesNothing() {
        CommandHook hook = new CommandHook();
        hook.setCommand("");
        FlowBatch batch = TestFlows.tcp(2, 1000);

        assertThat(hook.isOn()).isFalse();
        assertThat(hook.enrich(batch)).isSameAs(batch);
        assertThat(hook.runs()).isZero();
    }

    @Test
    void ofCommandAndScriptThereIsOne() {
        CommandHook hook = command("cat");
        assertThatThrownBy(() -> hook.setShell("cat"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a hook has a command or a shell script, not both: leave one out");
        assertThatThrownBy(() -> hook.setTimeout(Duration.ZERO))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(command("cat")).hasToString("cat");
        assertThat(shell("#!/bin/sh\njq .\n#x\n")).hasToString("jq . …");
    }
}
