// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What is run for a hook.
 *
 * @param command the program and its arguments
 * @param file a file that it is read from and that is to be deleted, or null
 */
record HookProgram(List<String> command, Path file) implements AutoCloseable {

    /**
     * A session of its own: Ctrl-C in a terminal is for the exporter, not for the hook, and a hook
     * can be killed with all that it has started.
     */
    private static final Path SETSID = Path.of("/usr/bin/setsid");

    private static final String INTERPRETER = "#!";

    /**
     * A program that is there.
     *
     * @throws HookException if it isn't
     */
    static HookProgram ofCommand(List<String> command) throws HookException {
        Path path = Path.of(command.get(0));
        if (path.getNameCount() > 1 || path.isAbsolute()) {
            if (!Files.exists(path)) {
                throw new HookException("there is no " + path);
            }
            if (!Files.isRegularFile(path) || !Files.isExecutable(path)) {
                throw new HookException(path + " is not executable: chmod +x " + path);
            }
        }
        return new HookProgram(inSession(command), null);
    }

    /**
     * A script. One that names its interpreter is in a file until this is closed: written for each
     * run, so that nothing that cleans up /tmp can take it away.
     *
     * @throws HookException if it can't be written
     */
    static HookProgram ofScript(String script) throws HookException {
        if (!script.startsWith(INTERPRETER)) {
            return new HookProgram(inSession(List.of("/bin/sh", "-c", script)), null);
        }
        String line = script.lines().findFirst().orElseThrow().substring(INTERPRETER.length());
        // As the kernel has it: one argument at most, whatever blanks are in it.
        List<String> command = new ArrayList<>(List.of(line.strip().split("\\s+", 2)));
        if (command.get(0).isEmpty()) {
            throw new HookException("its first line names no interpreter behind #!");
        }
        try {
            // Java has it readable by its owner only.
            Path file = Files.createTempFile("flow-hook-", ".script");
            Files.writeString(file, script);
            command.add(file.toString());
            return new HookProgram(inSession(command), file);
        } catch (IOException e) {
            throw new HookException("its script can't be written: " + e.getMessage());
        }
    }

    private static List<String> inSession(List<String> command) {
        if (!Files.isExecutable(SETSID)) {
            return command;
        }
        List<String> whole = new ArrayList<>(List.of(SETSID.toString()));
        whole.addAll(command);
        return whole;
    }

    @Override
    public void close() {
        if (file != null) {
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                file.toFile().deleteOnExit();
            }
        }
    }
}
