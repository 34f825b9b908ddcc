// Command bundle-validation prints what the Operator Framework's own validators say of the bundle in a folder: a JSON
// array of {"level", "detail"}. Without a folder it prints the definition of ClusterServiceVersion.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/operator-framework/api/crds"
	"github.com/operator-framework/api/pkg/manifests"
	"github.com/operator-framework/api/pkg/validation"
	validator "github.com/operator-framework/api/pkg/validation/interfaces"
)

// Those of `operator-sdk bundle validate --select-optional suite=operatorframework`, without the one that pulls images.
var validators = validator.Validators{
	validation.ClusterServiceVersionValidator,
	validation.CustomResourceDefinitionValidator,
	validation.BundleValidator,
	validation.OperatorHubV2Validator,
	validation.StandardCategoriesValidator,
	validation.StandardCapabilitiesValidator,
	validation.ObjectValidator,
	validation.AlphaDeprecatedAPIsValidator,
	validation.GoodPracticesValidator,
}

type finding struct {
	Level  string `json:"level"`
	Detail string `json:"detail"`
}

func main() {
	answer := definition
	if len(os.Args) > 1 {
		answer = func() (any, error) { return findings(os.Args[1]) }
	}
	if err := tell(answer); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func tell(answer func() (any, error)) error {
	found, err := answer()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(found)
}

func definition() (any, error) {
	return crds.ClusterServiceVersion(), nil
}

func findings(folder string) ([]finding, error) {
	bundle, err := manifests.GetBundleFromDir(folder)
	if err != nil {
		return nil, err
	}
	objects := bundle.ObjectsToValidate()
	for _, object := range bundle.Objects {
		objects = append(objects, object)
	}
	found := []finding{}
	for _, result := range validators.Validate(objects...) {
		for _, each := range append(result.Errors, result.Warnings...) {
			found = append(found, finding{string(each.Level), each.Error()})
		}
	}
	return found, nil
}
