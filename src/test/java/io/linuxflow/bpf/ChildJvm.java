// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Tries something in a JVM of its own, and tells what came of it in one line. */
final class ChildJvm {

    private ChildJvm() {}

    /** What the JVM runs. */
    public static final class Main {
        public static void main(String[] args) {
            try {
                switch (args[0]) {
                    case "meter" -> meter();
                    case "enter" -> NetworkNamespace.named(args[1]).enter();
                    case "links" -> Links.list();
                    case "abandon" -> abandon();
                    default -> throw new IllegalArgumentException(args[0]);
                }
                System.out.println("fine");
            } catch (BpfException e) {
                System.out.println(e.getMessage());
            }
        }

        private static BpfObject load(String name) {
            BpfObject object = BpfObject.open(BpfObject.resource("bpf/" + name + ".bpf.o"), name);
            object.load();
            return object;
        }

        private static TcAttachment attach(BpfProgram program, Hook hook) {
            return TcAttachment.attach(
                    program, VethLab.ifindex(), Direction.EGRESS, hook, ClsactOptions.CHOSEN);
        }

        /** All that a meter does. */
        private static void meter() {
            try (BpfObject meter = load("flowmeter")) {
                attach(meter.program("flow_egress"), Hook.TCX).close();
                attach(meter.program("flow_egress"), Hook.CLSACT).close();
                meter.program("read_clock").run();
                meter.map("interfaces").keys();
                meter.map("slots").mmap(false).close();
                GracePeriod.await();
            }
        }

        /** Ends as a process that is killed does. */
        private static void abandon() {
            attach(load("bridge").program("see"), Hook.CLSACT);
            Runtime.getRuntime().halt(0);
        }
    }

    /** The command that starts it. */
    static List<String> command(String... args) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        if (Runtime.version().feature() >= 22) {
            command.add("--enable-native-access=ALL-UNNAMED");
            command.add("--sun-misc-unsafe-memory-access=allow");
        }
        command.addAll(List.of("-XX:TieredStopAtLevel=1", "-cp"));
        command.add(System.getProperty("java.class.path"));
        command.add(Main.class.getName());
        command.addAll(List.of(args));
        return command;
    }

    /** What it prints, started by another command. */
    static String run(List<String> prefix, String... args) {
        List<String> command = new ArrayList<>(prefix);
        command.addAll(command(args));
        return Command.run(command.toArray(String[]::new)).strip();
    }
}
