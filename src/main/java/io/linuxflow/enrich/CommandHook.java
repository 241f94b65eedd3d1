// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import io.linuxflow.flow.Column;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.json.FlowReader;
import io.linuxflow.json.JsonShape;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives the flows of a batch to a program of the user's, as a JSON array on its standard input, and
 * goes on with what it writes to its standard output; {@link FlowReader} says how the one becomes
 * the other. A program that adds a member to each flow adds a column; it may change, drop and add
 * flows, too. The program is run anew for each batch, and the route waits for it.
 *
 * <p>A hook that fails costs no flow: the batch goes on as it was. It fails if the program can't be
 * started, ends with another status than 0, returns no array of flows, or does not end in time, and
 * then it is killed with all that it has started. That is counted, and said on one line with the
 * last that it wrote to its standard error, at once and then at most once a minute.
 *
 * <p>Without command and shell it does nothing.
 */
public final class CommandHook implements Enrichment {

    private static final Logger LOG = LoggerFactory.getLogger(CommandHook.class);

    private static final long REPORT_INTERVAL = TimeUnit.MINUTES.toNanos(1);

    /** What a run depends on, beside the flows: whoever has the same gets the same result. */
    private record Run(
            String command, String shell, JsonShape shape, Duration timeout, List<Column> seen) {}

    private String command = "";
    private String shell = "";
    private JsonShape shape = JsonShape.LOG;
    private Duration timeout = Duration.ofSeconds(10);

    private final LongAdder runs = new LongAdder();
    private final LongAdder failures = new LongAdder();
    private final LongAdder failedFlows = new LongAdder();
    private final LongAdder droppedFlows = new LongAdder();
    private final LongAdder addedFlows = new LongAdder();
    private final LongAdder nanos = new LongAdder();
    private long reportedFlows;
    private long nextReport = System.nanoTime();

    /**
     * What the program has made of the flows. Routes that ask the same of the same batch share one
     * run.
     */
    @Override
    public FlowBatch enrich(FlowBatch batch) {
        if (!isOn() || batch.size() == 0) {
            return batch;
        }
        Run run = new Run(command, shell, shape, timeout, List.copyOf(batch.columns()));
        return batch.once(run, () -> run(batch));
    }

    private FlowBatch run(FlowBatch batch) {
        long start = System.nanoTime();
        runs.increment();
        try {
            FlowReader.Result result =
                    HookProcess.run(program(), new FlowReader(shape, batch), batch.size(), timeout);
            droppedFlows.add(result.dropped());
            addedFlows.add(result.added());
            return result.batch();
        } catch (HookException e) {
            fail(batch, e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            fail(batch, "it was ended because the route ends");
        } finally {
            nanos.add(System.nanoTime() - start);
        }
        return batch;
    }

    private synchronized void fail(FlowBatch batch, String why) {
        failures.increment();
        failedFlows.add(batch.size());
        long now = System.nanoTime();
        if (now - nextReport >= 0) {
            LOG.warn(
                    "Hook {} failed for {} flows, {} since its start, which go on as they were: {}",
                    this,
                    failedFlows.sum() - reportedFlows,
                    failedFlows.sum(),
                    why);
            reportedFlows = failedFlows.sum();
            nextReport = now + REPORT_INTERVAL;
        }
    }

    HookProgram program() throws HookException {
        if (!shell.isEmpty()) {
            return HookProgram.ofScript(shell);
        }
        boolean isPath = Files.exists(Path.of(command));
        return HookProgram.ofCommand(isPath ? List.of(command) : List.of(command.split("\\s+")));
    }

    /** Whether there is a program to run. */
    public boolean isOn() {
        return !command.isEmpty() || !shell.isEmpty();
    }

    /** How often the program was run. */
    public long runs() {
        return runs.sum();
    }

    /** How often it failed. */
    public long failures() {
        return failures.sum();
    }

    /** Flows that went on as they were because it failed. */
    public long failedFlows() {
        return failedFlows.sum();
    }

    /** Flows that it did not return. */
    public long droppedFlows() {
        return droppedFlows.sum();
    }

    /** Flows that it returned and was not given. */
    public long addedFlows() {
        return addedFlows.sum();
    }

    /** How long all runs together took, in nanoseconds. */
    public long nanos() {
        return nanos.sum();
    }

    /** The program, for people to read. */
    @Override
    public String toString() {
        String text = shell.isEmpty() ? command : shell.replaceFirst("^#!.*\\R", "").strip();
        String line = text.lines().findFirst().orElse("");
        return line.equals(text) ? line : line + " …";
    }

    public String getCommand() {
        return command;
    }

    /**
     * The program: its path, or its name if it is in PATH, and arguments, separated by blanks. A
     * path that is there may contain blanks. What takes quotes is for {@link #setShell}.
     *
     * @throws IllegalArgumentException if there is a shell script already
     */
    public void setCommand(String command) {
        this.command = command == null ? "" : command.strip();
        checkOneOnly();
    }

    public String getShell() {
        return shell;
    }

    /**
     * The program as a script: run by the interpreter that its first line names behind {@code #!},
     * or by {@code /bin/sh}.
     *
     * @throws IllegalArgumentException if there is a command already
     */
    public void setShell(String shell) {
        this.shell = shell == null ? "" : shell.stripLeading();
        checkOneOnly();
    }

    private void checkOneOnly() {
        if (!command.isEmpty() && !shell.isEmpty()) {
            throw new IllegalArgumentException(
                    "a hook has a command or a shell script, not both: leave one out");
        }
    }

    public JsonShape getShape() {
        return shape;
    }

    /** The names that the members of a flow have: {@code log}, the default, or {@code elements}. */
    public void setShape(JsonShape shape) {
        this.shape = shape;
    }

    public Duration getTimeout() {
        return timeout;
    }

    /**
     * After this long the program is killed. 10 s is the default.
     *
     * @throws IllegalArgumentException if it is not positive
     */
    public void setTimeout(Duration timeout) {
        if (timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException(
                    "a hook has no time with a timeout of " + timeout.toMillis() + " ms");
        }
        this.timeout = timeout;
    }
}
