// SPDX-License-Identifier: Apache-2.0
package io.linuxflow;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.util.Set;
import java.util.stream.Collectors;

/** What ARCHITECTURE.md says of the packages. */
@AnalyzeClasses(packages = "io.linuxflow", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

    @ArchTest
    static void thePackagesAreThere(JavaClasses classes) {
        Set<String> packages =
                classes.stream().map(c -> c.getPackageName()).collect(Collectors.toSet());
        assertThat(packages)
                .contains(
                        "io.linuxflow.flow",
                        "io.linuxflow.bpf",
                        "io.linuxflow.ipfix",
                        "io.linuxflow.metering",
                        "io.linuxflow.exporting",
                        "io.linuxflow.json",
                        "io.linuxflow.enrich",
                        "io.linuxflow.camel",
                        "io.linuxflow.agent",
                        "io.linuxflow.cli");
    }

    @ArchTest static final ArchRule flowImportsNothingOfOurs = onlyDependsOn("flow");

    @ArchTest static final ArchRule bpfImportsNothingOfOurs = onlyDependsOn("bpf");

    @ArchTest static final ArchRule ipfixImportsNothingOfOurs = onlyDependsOn("ipfix");

    @ArchTest
    static final ArchRule meteringKnowsFlowsAndTheKernel = onlyDependsOn("metering", "flow", "bpf");

    @ArchTest
    static final ArchRule exportingKnowsFlowsAndIpfix = onlyDependsOn("exporting", "flow", "ipfix");

    @ArchTest static final ArchRule jsonKnowsFlowsAndIpfix = onlyDependsOn("json", "flow", "ipfix");

    @ArchTest
    static final ArchRule enrichmentsKnowFlowsJsonAndTheKernel =
            onlyDependsOn("enrich", "flow", "json", "bpf");

    @ArchTest
    static final ArchRule nobodyKnowsTheCommandLine =
            noClasses()
                    .that()
                    .resideOutsideOfPackage("io.linuxflow.cli")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage("io.linuxflow.cli", "picocli..");

    @ArchTest
    static final ArchRule nativeCodeIsCalledFromBpfOnly =
            noClasses()
                    .that()
                    .resideOutsideOfPackage("io.linuxflow.bpf")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage("jnr..", "com.kenai..");

    @ArchTest
    static final ArchRule camelIsKnownInCamelOnly =
            noClasses()
                    .that()
                    .resideOutsideOfPackages("io.linuxflow.camel", "io.linuxflow.agent")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage("org.apache.camel..", "io.netty..", "io.micrometer..");

    @ArchTest
    static final ArchRule packagesHaveNoCycles =
            slices().matching("io.linuxflow.(*)..").should().beFreeOfCycles();

    private static ArchRule onlyDependsOn(String name, String... others) {
        String[] allowed = new String[others.length + 1];
        allowed[0] = "io.linuxflow." + name;
        for (int i = 0; i < others.length; i++) {
            allowed[i + 1] = "io.linuxflow." + others[i];
        }
        return classes()
                .that()
                .resideInAPackage("io.linuxflow." + name)
                .should()
                .onlyDependOnClassesThat(
                        resideInAnyPackage(allowed).or(not(resideInAnyPackage("io.linuxflow.."))));
    }
}
